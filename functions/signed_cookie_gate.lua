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
-- Options:
--   prefix  beginning of the paths that are guarded, default "/"; it is part of what is signed
--   secret  which of the attachment's secrets is the key, default "cookie_key"
--   cookie  its name, default "access"
--   login   where those without a cookie are sent; the path is put behind it. Without it they get 403

local function check(event, secret)
  local options = event.options
  if not event.secrets[secret] then
    error("signed_cookie_gate: secrets = { \"" .. secret .. "\" } is missing from the attachment", 0)
  end
  if options.prefix ~= nil and (type(options.prefix) ~= "string" or string.sub(options.prefix, 1, 1) ~= "/") then
    error("signed_cookie_gate: options.prefix begins with '/'", 0)
  end
end

local checked = {}   -- by the options of the attachment

local function is_good(cookie, key, prefix)
  local expires, signature = string.match(cookie or "", "^(%d+)%.([%w_-]+)$")
  if not expires or #expires > 12 or tonumber(expires) < edge.time.now() then return false end
  local wanted = edge.base64.encode_url(edge.crypto.hmac("sha256", key, prefix .. "\n" .. expires))
  return edge.crypto.equal(signature, wanted)
end

local function viewer_request(event)
  local options, request = event.options, event.request
  local secret, prefix = options.secret or "cookie_key", options.prefix or "/"
  if not checked[options] then
    check(event, secret)
    checked[options] = true
  end
  if string.sub(request.path, 1, #prefix) ~= prefix then return end
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
  local location = options.login .. edge.url.encode(request.path)
  return { status = 302, headers = { location = location, ["cache-control"] = "no-store" } }
end

return { viewer_request = viewer_request }
