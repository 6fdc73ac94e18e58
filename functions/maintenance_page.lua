-- maintenance_page: answers everybody with a page that says "back soon", while you work behind it.
--
--   viewer_request = { { name = "shelf/maintenance_page", options = { retry_after = 900, let_in = { "203.0.113.7" } } } }
--
-- Attach it and `edged reload` to close, take it away and reload to open. The answer is a 503, so that search engines
-- come back, and is never cached.
--
-- Options:
--   retry_after  seconds after which clients shall come again, default 600
--   let_in       list of addresses that see the site as it is
--   except       list of beginnings of paths that stay open; one with a part `.` or `..` never does
--   title, text  what the page says

local function check(options)
  if options.retry_after ~= nil and math.type(options.retry_after) ~= "integer" then
    error("maintenance_page: options.retry_after is a whole number of seconds", 0)
  end
  for _, name in ipairs { "let_in", "except" } do
    if options[name] ~= nil and type(options[name]) ~= "table" then
      error("maintenance_page: options." .. name .. " is a list of strings", 0)
    end
  end
end

local function escaped(text)
  return (string.gsub(text, "[<>&]", { ["<"] = "&lt;", [">"] = "&gt;", ["&"] = "&amp;" }))
end

local function page(options)
  local title = escaped(options.title or "Back soon")
  local text = escaped(options.text or "We are working on this site. Please come again in a few minutes.")
  return "<!doctype html>\n<meta charset=\"utf-8\">\n<title>" .. title .. "</title>\n"
    .. "<style>body { font: 1.1em/1.5 system-ui; margin: 20vh auto; max-width: 30em; padding: 0 1em }</style>\n"
    .. "<h1>" .. title .. "</h1>\n<p>" .. text .. "</p>\n"
end

-- Whether a part of the path is `.` or `..`, however it is written: it ends elsewhere than it begins.
local function wanders(path)
  local decoded = string.gsub(edge.url.decode(path), "[\\;]", "/")
  return string.find(decoded .. "/", "/%.%.?/") ~= nil
end

local checked = {}   -- by the options of the attachment

local function viewer_request(event)
  local options = event.options
  if not checked[options] then
    check(options)
    checked[options] = true
  end
  for _, address in ipairs(options.let_in or {}) do
    if address == event.viewer.ip then return end
  end
  for _, beginning in ipairs(options.except or {}) do
    local path = event.request.path
    if string.sub(path, 1, #beginning) == beginning and not wanders(path) then return end
  end
  return {
    status = 503,
    headers = {
      ["content-type"] = "text/html; charset=utf-8",
      ["cache-control"] = "no-store",
      ["retry-after"] = tostring(options.retry_after or 600),
    },
    body = page(options),
  }
end

return { viewer_request = viewer_request }
