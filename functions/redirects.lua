-- redirects: answers moved paths from a table, without asking an origin.
--
--   viewer_request = { { name = "shelf/redirects", options = { map = {
--     ["/old"] = "/new",
--     ["/blog/*"] = "/news/*",                    -- what `*` stands for goes along
--     ["/shop"] = "https://shop.example/",
--   } } } }
--
-- Options:
--   map         from path to path or URL; an exact path wins, then the longest that ends in `*`; needed. Paths are compared
--               as they are sent, escapes and all. No viewer can choose the host that he is led to
--   status      301 (default), 302, 303, 307 or 308
--   keep_query  false drops the query; else it goes along

local statuses = { [301] = true, [302] = true, [303] = true, [307] = true, [308] = true }
local prepared = {}   -- by the options of the attachment

-- A path, or a URL whose host has ended before what a viewer's path adds.
local function is_target(to)
  if string.find(to, "^/") then return not string.find(to, "^/[/\\]") end
  return string.find(to, "^%a[%w+.-]*://[^/?#\\*]+$") or string.find(to, "^%a[%w+.-]*://[^/?#\\*]+[/?#]")
end

local function prepare(options)
  if type(options.map) ~= "table" then error("redirects: options.map is a table from path to path or URL", 0) end
  local settings = { exact = {}, prefixes = {}, status = options.status or 301, keeps_query = options.keep_query ~= false }
  if not statuses[settings.status] then error("redirects: options.status is 301, 302, 303, 307 or 308", 0) end
  for from, to in pairs(options.map) do
    if type(from) ~= "string" or type(to) ~= "string" or string.sub(from, 1, 1) ~= "/" or not is_target(to) then
      error("redirects: options.map[\"" .. tostring(from) .. "\"]: a path leads to a path, or to a URL with a '/' behind "
        .. "its host", 0)
    end
    if string.sub(from, -1) == "*" then
      table.insert(settings.prefixes, { from = string.sub(from, 1, -2), to = to })
    else
      settings.exact[from] = to
    end
  end
  table.sort(settings.prefixes, function(a, b) return #a.from > #b.from end)
  prepared[options] = settings
  return settings
end

local function target(settings, path)
  local to = settings.exact[path]
  if to then return to end
  for _, prefix in ipairs(settings.prefixes) do
    if string.sub(path, 1, #prefix.from) == prefix.from then
      local rest = string.sub(path, #prefix.from + 1)
      local goes_along = string.sub(prefix.to, -1) == "*"
      -- What begins with two slashes is a host for browsers, and they take `\` for one.
      return goes_along and string.gsub(string.sub(prefix.to, 1, -2) .. rest, "^[/\\]+", "/") or prefix.to
    end
  end
end

local function viewer_request(event)
  local settings = prepared[event.options] or prepare(event.options)
  local request = event.request
  local to = target(settings, request.path)
  if not to then return end
  if settings.keeps_query and request.query_string then
    local before, fragment = string.match(to, "^([^#]*)(.*)$")
    to = before .. (string.find(before, "?", 1, true) and "&" or "?") .. request.query_string .. fragment
  end
  return { status = settings.status, headers = { location = to } }
end

return { viewer_request = viewer_request }
