-- signed_cookie_gate: shows a part of a site only to those who hold a cookie that you have signed.
--
--   viewer_request = { { name = "shelf/signed_cookie_gate", secrets = { "cookie_key" }, options = {
--     prefix = "/members/", login = "https://login.example/?back=",
--   } } }
--
-- The cookie is `EXPIRES.SIGNATURE`: seconds since 1970, and HMAC-SHA-256 of "PREFIX\nEXPIRES" in url-safe base 64. Your
-- login sets it; in a shell it is made so:
--   printf '/members/\n1700003600' | openssl dgst -sha256 -hmac "$KEY" -binary | basenc --base64url | tr -d =
--
-- Paths are compared as origins read them: escapes decoded, `//` and `\` as `/`, without `;parameters`. One with a part
-- `.` or `..` is always guarded, because it may lead anywhere.
--
-- Options:
--   prefix  beginning of the paths that are guarded, default "/"; it is part of what is signed
--   secret  which of the attachment's secrets is the key, default "cookie_key"
--   cookie  its name, default "access"
--   login   where those without a cookie are sent; the path is put behind it, or `prefix` for one of more than
--           8 KB. Without it they get 403

-- Nil for a path with a part that is `.` or `..`.
local function plain(path)
  path = string.gsub(edge.url.decode(path), "\\", "/")
  path = string.gsub(path, ";[^/]*", "")
  path = string.gsub(path, "//+", "/")
  if not string.find(path .. "/", "/%.%.?/") then return path end
end

local guarded = {}   -- the beginning of a path, by the options of the attachment

local function prepare(event, secret)
  local options = event.options
  if not event.secrets[secret] then
    error("signed_cookie_gate: secrets = { \"" .. secret .. "\" } is missing from the attachment", 0)
  end
  if options.prefix ~= nil and (type(options.prefix) ~= "string" or string.sub(options.prefix, 1, 1) ~= "/") then
    error("signed_cookie_gate: options.prefix begins with '/'", 0)
  end
  local beginning = plain(options.prefix or "/")
  if not beginning then error("signed_cookie_gate: options.prefix has no part '.' or '..'", 0) end
  guarded[options] = beginning
  return beginning
end

local function is_good(cookie, key, prefix)
  local expires, signature = string.match(cookie or "", "^(%d+)%.([%w_-]+)$")
  if not expires or #expires > 12 or tonumber(expires) < edge.time.now() then return false end
  local wanted = edge.base64.encode_url(edge.crypto.hmac("sha256", key, prefix .. "\n" .. expires))
  return edge.crypto.equal(signature, wanted)
end

local function viewer_request(event)
  local options, request = event.options, event.request
  local secret, prefix = options.secret or "cookie_key", options.prefix or "/"
  local beginning = guarded[options] or prepare(event, secret)
  local path = plain(request.path)
  if path and string.sub(path, 1, #beginning) ~= beginning then return end
  local name = options.cookie or "access"
  if is_good(request.cookies[name], event.secrets[secret], prefix) then
    request.cookies[name] = nil   -- of no use to the origin
    return
  end
  if not options.login then
    return {
      status = 403, headers = { ["content-type"] = "text/plain", ["cache-control"] = "no-store" }, body = "for members\n",
    }
  end
  local back = edge.url.encode(request.path)
  if #back > 8192 then back = edge.url.encode(prefix) end
  return { status = 302, headers = { location = options.login .. back, ["cache-control"] = "no-store" } }
end

return { viewer_request = viewer_request }
