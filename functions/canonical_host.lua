-- canonical_host: one name and one scheme for a site; whoever comes by another is led there.
--
--   viewer_request = { { name = "shelf/canonical_host", options = { host = "www.example.com" } } }
--
-- Options:
--   host    the name that viewers shall see, without port; needed
--   https   false leaves plain HTTP alone; else it is led to HTTPS
--   status  301 (default), 302, 307 or 308

local hosts = {}   -- by the options of the attachment

local function prepare(options)
  if type(options.host) ~= "string" or not string.find(options.host, "^[%w.-]*%w$") then
    error("canonical_host: options.host is the name that viewers shall see, without port", 0)
  end
  local status = options.status or 301
  if status ~= 301 and status ~= 302 and status ~= 307 and status ~= 308 then
    error("canonical_host: options.status is 301, 302, 307 or 308", 0)
  end
  hosts[options] = string.lower(options.host)
  return hosts[options]
end

local function viewer_request(event)
  local options, request = event.options, event.request
  local host = hosts[options] or prepare(options)
  local scheme = options.https == false and event.viewer.protocol or "https"
  if request.host == host and event.viewer.protocol == scheme then return end
  local location = scheme .. "://" .. host .. request.path
  if request.query_string then location = location .. "?" .. request.query_string end
  return { status = options.status or 301, headers = { location = location } }
end

return { viewer_request = viewer_request }
