-- cors: lets pages of other origins read the answers, and answers their preflights at the edge.
--
--   viewer_request  = { { name = "shelf/cors", options = { origins = { "https://app.example" } } } },
--   viewer_response = { { name = "shelf/cors", options = { origins = { "https://app.example" } } } },
--
-- Options:
--   origins      list of origins, or { "*" }; needed
--   methods      list, default { "GET", "HEAD", "POST" }
--   headers      list of request headers that pages may send, default none
--   expose       list of response headers that pages may read, default none
--   credentials  true lets pages send cookies; not together with "*"
--   max_age      seconds for which browsers remember a preflight, default 600

local prepared = {}   -- by the options of the attachment

local function joined(options, name, default)
  local list = options[name]
  if list == nil then return default end
  if type(list) ~= "table" then error("cors: options." .. name .. " is a list of strings", 0) end
  local words = {}
  for i, word in ipairs(list) do words[i] = tostring(word) end
  return table.concat(words, ", ")
end

local function prepare(options)
  if type(options.origins) ~= "table" or #options.origins == 0 then
    error("cors: options.origins is a list of origins such as { \"https://app.example\" }", 0)
  end
  local settings = {
    allowed = {},
    methods = joined(options, "methods", "GET, HEAD, POST"),
    headers = joined(options, "headers"),
    expose = joined(options, "expose"),
    credentials = options.credentials == true,
    max_age = tostring(options.max_age or 600),
  }
  for _, origin in ipairs(options.origins) do settings.allowed[origin] = true end
  if settings.allowed["*"] and settings.credentials then
    error("cors: credentials are for named origins, not for \"*\"", 0)
  end
  prepared[options] = settings
  return settings
end

-- What the answer to this request says, or nil where browsers shall refuse it.
local function allowed_origin(settings, request)
  local origin = request.headers.origin
  if not origin then return nil end
  if settings.allowed["*"] then return "*" end
  return settings.allowed[origin] and origin or nil
end

local function viewer_request(event)
  local request = event.request
  if request.method ~= "OPTIONS" or not request.headers["access-control-request-method"] then return end
  local settings = prepared[event.options] or prepare(event.options)
  local origin = allowed_origin(settings, request)
  local headers = { vary = "Origin" }
  if origin then
    headers["access-control-allow-origin"] = origin
    headers["access-control-allow-methods"] = settings.methods
    headers["access-control-allow-headers"] = settings.headers
    headers["access-control-max-age"] = settings.max_age
    if settings.credentials then headers["access-control-allow-credentials"] = "true" end
  end
  return { status = 204, headers = headers }
end

local function viewer_response(event)
  local settings = prepared[event.options] or prepare(event.options)
  local headers = event.response.headers
  if headers["access-control-max-age"] then return end   -- the answer to a preflight, made above
  if not settings.allowed["*"] then headers:add("vary", "Origin") end
  local origin = allowed_origin(settings, event.request)
  headers["access-control-allow-origin"] = origin
  if not origin then return end
  headers["access-control-expose-headers"] = settings.expose
  if settings.credentials then headers["access-control-allow-credentials"] = "true" end
end

return { viewer_request = viewer_request, viewer_response = viewer_response }
