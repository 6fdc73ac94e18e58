-- header_scrub: takes headers away that one side shall not see.
--
--   viewer_request  = { { name = "shelf/header_scrub", options = { request = { "x-internal-*", "x-debug" } } } },
--   viewer_response = { { name = "shelf/header_scrub", options = { response = { "server", "x-powered-by" } } } },
--
-- On the way in it stops viewers from sending what only your own machines may say; on the way out it hides what the
-- origin runs on. It works at the origin's stages as well: what is scrubbed in origin_response is never cached.
--
-- Options:
--   request   list of names; one that ends in `*` stands for all that begin so
--   response  the same; default { "server", "x-powered-by", "x-aspnet-version", "x-runtime" }

local defaults = { "server", "x-powered-by", "x-aspnet-version", "x-runtime" }
local checked = {}   -- by the options of the attachment

local function check(options)
  for _, name in ipairs { "request", "response" } do
    if options[name] ~= nil and type(options[name]) ~= "table" then
      error("header_scrub: options." .. name .. " is a list of header names", 0)
    end
  end
  checked[options] = true
end

local function scrub(headers, names)
  for _, name in ipairs(names) do
    if string.sub(name, -1) == "*" then
      local beginning = string.lower(string.sub(name, 1, -2))
      local found = {}   -- first look, then take away
      for present in pairs(headers) do
        if string.sub(present, 1, #beginning) == beginning then table.insert(found, present) end
      end
      for _, present in ipairs(found) do headers[present] = nil end
    else
      headers[name] = nil
    end
  end
end

local function request(event)
  if not checked[event.options] then check(event.options) end
  scrub(event.request.headers, event.options.request or {})
end

local function response(event)
  if not checked[event.options] then check(event.options) end
  scrub(event.response.headers, event.options.response or defaults)
end

return { viewer_request = request, origin_request = request, origin_response = response, viewer_response = response }
