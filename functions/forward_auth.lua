-- forward_auth: asks a service of yours whether a request may pass.
--
--   viewer_request = { { name = "shelf/forward_auth", options = { url = "https://auth.example/check" } } }
--
-- The service gets a GET with the viewer's cookies, authorization and the headers named in `send`, and what was asked for
-- in X-Forwarded-Method, -Proto, -Host and -Uri. A status from 200 to 299 lets the request through; any other answer goes
-- to the viewer as it is, a redirect to a login page for example. Where the service does not answer the viewer gets a 503,
-- and for a field of more than 16 KB, which cannot be sent on, a 431; so it does for a path that makes the service's
-- Location longer than that.
--
-- Options:
--   url      where to ask; needed. { origin = "auth", path = "/check" } asks an origin of the configuration instead
--   send     list of further request headers that the service gets
--   take     list of headers of its answer that the origin gets; a viewer's own of these names are taken away
--   timeout  seconds, default 2

local prepared = {}         -- by the options of the attachment
local value_max = 16384     -- bytes of a field that a function writes

local function list(options, name, ...)
  local value = options[name]
  if value ~= nil and type(value) ~= "table" then error("forward_auth: options." .. name .. " is a list of headers", 0) end
  local names = { ... }
  for _, item in ipairs(value or {}) do table.insert(names, string.lower(tostring(item))) end
  return names
end

local function prepare(options)
  local url = options.url
  if type(url) ~= "string" and type(url) ~= "table" then error("forward_auth: options.url says where to ask", 0) end
  local settings = {
    target = type(url) == "table" and { origin = url.origin, path = url.path } or url,
    send = list(options, "send", "cookie", "authorization"), take = list(options, "take"), timeout = options.timeout or 2,
  }
  prepared[options] = settings
  return settings
end

local function too_long(what)
  return {
    status = 431, headers = { ["content-type"] = "text/plain", ["cache-control"] = "no-store" },
    body = what .. " is too long\n",
  }
end

-- All values of a field that say something, in one.
local function joined(headers, name)
  local values = {}
  for _, value in ipairs(headers:all(name)) do
    if value ~= "" then table.insert(values, value) end
  end
  return values[1] and table.concat(values, name == "cookie" and "; " or ", ")
end

local function viewer_request(event)
  local settings = prepared[event.options] or prepare(event.options)
  local request = event.request
  local query = request.query_string
  local headers = {
    ["x-forwarded-method"] = request.method, ["x-forwarded-proto"] = event.viewer.protocol,
    ["x-forwarded-host"] = request.host, ["x-forwarded-uri"] = request.path .. (query and "?" .. query or ""),
  }
  for _, name in ipairs(settings.send) do
    local value = joined(request.headers, name)
    if value and #value > value_max then return too_long(name) end
    headers[name] = value
  end

  local answer, reason = edge.fetch(settings.target, { headers = headers, timeout = settings.timeout })
  if not answer then
    event.log.forward_auth = reason
    return {
      status = 503, headers = { ["content-type"] = "text/plain", ["cache-control"] = "no-store" },
      body = "nobody can say whether this may be seen\n",
    }
  end
  if answer.status < 200 or answer.status > 299 then
    event.log.forward_auth = answer.status
    if #(answer.headers.location or "") > value_max then return too_long("the path") end
    return {
      status = answer.status, body = answer.body,
      headers = {
        ["content-type"] = answer.headers["content-type"], ["cache-control"] = "no-store",
        ["location"] = answer.headers.location, ["www-authenticate"] = answer.headers["www-authenticate"],
        ["set-cookie"] = answer.headers["set-cookie"],
      },
    }
  end
  for _, name in ipairs(settings.take) do request.headers[name] = answer.headers[name] end
end

return { viewer_request = viewer_request }
