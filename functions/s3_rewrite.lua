-- s3_rewrite: asks a bucket for the object that a path stands for.
--
--   origin_request = { { name = "shelf/s3_rewrite", options = { prefix = "/site/v42" } } }
--
-- `/docs/` becomes `/site/v42/docs/index.html`. The query, cookies and credentials of the viewer do not go to the bucket:
-- it has no use for them, and refuses some. A path with a part `.` or `..` is refused, because some stores would follow it
-- out of the prefix.
--
-- Options:
--   prefix      put before every path; begins with "/" and does not end with it; default none
--   index       the object behind a path that ends with "/"; default "index.html", false for none
--   keep_query  true lets the query go along (versionId and the like)

local function check(options)
  local prefix = options.prefix
  if prefix ~= nil and (type(prefix) ~= "string" or not string.find(prefix, "^/.*[^/]$")) then
    error("s3_rewrite: options.prefix begins with '/' and does not end with it", 0)
  end
  if options.index ~= nil and options.index ~= false and type(options.index) ~= "string" then
    error("s3_rewrite: options.index is an object's name, or false", 0)
  end
end

local function refuse(status, body)
  return { status = status, headers = { ["content-type"] = "text/plain", ["cache-control"] = "no-store" }, body = body }
end

-- Whether a part of the path is `.` or `..`, however it is written.
local function wanders(path)
  local decoded = string.gsub(edge.url.decode(path), "\\", "/")
  return string.find(decoded .. "/", "/%.%.?/") ~= nil
end

local checked = {}   -- by the options of the attachment

local function origin_request(event)
  local options, request = event.options, event.request
  if not checked[options] then
    check(options)
    checked[options] = true
  end
  local path = request.path
  if wanders(path) then return refuse(400, "this path leads elsewhere\n") end
  if options.index ~= false and string.sub(path, -1) == "/" then path = path .. (options.index or "index.html") end
  path = (options.prefix or "") .. path
  if #path > 8192 then return refuse(414, "this path is too long\n") end   -- as long as one can be
  request.path = path
  if not options.keep_query then request.query_string = nil end
  request.headers.cookie = nil
  request.headers.authorization = nil
end

return { origin_request = origin_request }
