-- cors: lets pages of other origins read the answers, and answers their preflights at the edge.
--
--   viewer_request  = { { name = "shelf/cors", options = { origins = { "https://app.example" } } } },
--   viewer_response = { { name = "shelf/cors", options = { origins = { "https://app.example" } } } },
--
-- What the origin says of this (Access-Control-…) is taken away: the options alone decide.
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
  if settings.allowed["*"] then return "*" end   -- also without Origin: a cache on the way may hand it to anybody
  local origin = request.headers.origin
  return origin and settings.allowed[origin] and origin or nil
end

local function is_preflight(request)
  return request.method == "OPTIONS" and request.headers["access-control-request-method"] ~= nil
end

-- Writes what the options say of this request into the headers of its answer.
local function decide(settings, request, headers)
  local origin = allowed_origin(settings, request)
  if not origin then return end
  headers["access-control-allow-origin"] = origin
  if settings.credentials then headers["access-control-allow-credentials"] = "true" end
  if is_preflight(request) then
    headers["access-control-allow-methods"] = settings.methods
    headers["access-control-allow-headers"] = settings.headers
    headers["access-control-max-age"] = settings.max_age
  else
    headers["access-control-expose-headers"] = settings.expose
  end
end

local function viewer_request(event)
  if not is_preflight(event.request) then return end
  local settings = prepared[event.options] or prepare(event.options)
  local headers = { vary = "Origin" }
  decide(settings, event.request, headers)
  return { status = 204, headers = headers }
end

local function forget(headers)
  local said = {}   -- first look, then take away
  for name in pairs(headers) do
    if string.sub(name, 1, 15) == "access-control-" then table.insert(said, name) end
  end
  for _, name in ipairs(said) do headers[name] = nil end
end

local function viewer_response(event)
  local settings = prepared[event.options] or prepare(event.options)
  local headers = event.response.headers
  forget(headers)
  local is_told = string.find(string.lower(headers.vary or ""), "%f[%w-]origin%f[^%w-]")
  if not settings.allowed["*"] and not is_told then headers:add("vary", "Origin") end
  decide(settings, event.request, headers)
end

return { viewer_request = viewer_request, viewer_response = viewer_response }
