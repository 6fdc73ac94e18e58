-- canonical_host: one name and one scheme for a site; whoever comes by another is led there.
--
--   viewer_request = { { name = "shelf/canonical_host", options = { host = "www.example.com" } } }
--
-- Options:
--   host    the name that viewers shall see; needed
--   https   false leaves plain HTTP alone; else it is led to HTTPS
--   status  301 (default), 302, 307 or 308

local function check(options)
  if type(options.host) ~= "string" or options.host == "" then
    error("canonical_host: options.host is the name that viewers shall see", 0)
  end
  local status = options.status or 301
  if status ~= 301 and status ~= 302 and status ~= 307 and status ~= 308 then
    error("canonical_host: options.status is 301, 302, 307 or 308", 0)
  end
end

local checked = {}   -- by the options of the attachment

local function viewer_request(event)
  local options, request = event.options, event.request
  if not checked[options] then
    check(options)
    checked[options] = true
  end
  local scheme = options.https == false and event.viewer.protocol or "https"
  if request.host == options.host and event.viewer.protocol == scheme then return end
  local location = scheme .. "://" .. options.host .. request.path
  if request.query_string then location = location .. "?" .. request.query_string end
  return { status = options.status or 301, headers = { location = location } }
end

return { viewer_request = viewer_request }
