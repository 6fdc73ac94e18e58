-- security_headers: response headers that make browsers careful with a page.
--
--   viewer_response = { "shelf/security_headers" }
--
-- Options are header names; each replaces a default, adds one, or leaves one out:
--   options = {
--     ["x-frame-options"] = "SAMEORIGIN",
--     ["content-security-policy"] = "default-src 'self'",
--     ["referrer-policy"] = false,
--   }
--
-- A header that the origin has set stays as it is. Strict-Transport-Security is sent over HTTPS only, where it counts.

local defaults = {
  ["strict-transport-security"] = "max-age=63072000",
  ["x-content-type-options"] = "nosniff",
  ["x-frame-options"] = "DENY",
  ["referrer-policy"] = "strict-origin-when-cross-origin",
}

local prepared = {}   -- by the options of the attachment: they are read once

local function prepare(options)
  local headers = {}
  for name, value in pairs(defaults) do headers[name] = value end
  for name, value in pairs(options) do
    if value ~= false and type(value) ~= "string" then
      error("security_headers: options[\"" .. name .. "\"] is a string, or false to leave the header out", 0)
    end
    headers[string.lower(name)] = value or nil
  end
  prepared[options] = headers
  return headers
end

local function viewer_response(event)
  local headers = event.response.headers
  for name, value in pairs(prepared[event.options] or prepare(event.options)) do
    local counts = name ~= "strict-transport-security" or event.viewer.protocol == "https"
    if counts and not headers[name] then headers[name] = value end
  end
end

return { viewer_response = viewer_response }
