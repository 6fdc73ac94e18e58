-- s3_rewrite: asks a bucket for the object that a path stands for.
--
--   origin_request = { { name = "shelf/s3_rewrite", options = { prefix = "/site/v42" } } }
--
-- `/docs/` becomes `/site/v42/docs/index.html`. The query, cookies and credentials of the viewer do not go to the bucket:
-- it has no use for them, and refuses some.
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

local checked = {}   -- by the options of the attachment

local function origin_request(event)
  local options, request = event.options, event.request
  if not checked[options] then
    check(options)
    checked[options] = true
  end
  local path = request.path
  if options.index ~= false and string.sub(path, -1) == "/" then path = path .. (options.index or "index.html") end
  request.path = (options.prefix or "") .. path
  if not options.keep_query then request.query_string = nil end
  request.headers.cookie = nil
  request.headers.authorization = nil
end

return { origin_request = origin_request }
