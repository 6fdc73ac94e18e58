-- spa_fallback: every address of a single-page application is served by its one page.
--
--   viewer_request = { { name = "shelf/spa_fallback", options = { except = { "/api/" } } } }
--
-- A path whose last part has a dot (`/assets/app.js`) is a file and stays; every other one becomes the page. The
-- viewer's address bar keeps what it shows: this rewrites, it does not redirect.
--
-- Options:
--   page    default "/index.html"
--   except  list of beginnings of paths that are not part of the application

local function check(options)
  local page = options.page
  if page ~= nil and (type(page) ~= "string" or string.sub(page, 1, 1) ~= "/") then
    error("spa_fallback: options.page is a path that begins with '/'", 0)
  end
  if options.except ~= nil and type(options.except) ~= "table" then
    error("spa_fallback: options.except is a list of beginnings of paths", 0)
  end
end

local checked = {}   -- by the options of the attachment

local function viewer_request(event)
  local options, request = event.options, event.request
  if not checked[options] then
    check(options)
    checked[options] = true
  end
  if request.method ~= "GET" and request.method ~= "HEAD" then return end
  for _, beginning in ipairs(options.except or {}) do
    if string.sub(request.path, 1, #beginning) == beginning then return end
  end
  if not string.find(request.path, "%.[^/]*$") then request.path = options.page or "/index.html" end
end

return { viewer_request = viewer_request }
