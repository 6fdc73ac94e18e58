-- jwt_gate: lets requests through that carry a JSON Web Token that counts.
--
--   viewer_request = { { name = "shelf/jwt_gate", secrets = { "jwt" }, options = {
--     algorithms = { "RS256" }, issuer = "https://login.example", audience = "shop", claims = { sub = "x-user" },
--   } } }
--
-- The secret is the key: a public key as PEM, or the shared secret of HS256. The token is taken from
-- `Authorization: Bearer …`, else from a cookie if you name one. `Bearer` without exactly one token behind it, and more
-- than one Authorization field, are refused.
--
-- Options:
--   algorithms        list; needed, because a token must not choose for itself
--   secret            which of the attachment's secrets is the key, default "jwt"
--   issuer, audience  a string or a list; what the token must say
--   leeway            seconds by which clocks may differ, default 0
--   cookie            name of a cookie that may hold the token
--   claims            from a claim to the request header that tells the origin; a viewer's own is taken away. A claim that
--                     cannot stand in a header (a line break, more than 4 KB) is left out
--   optional          true lets requests without a token through; one that does not count is refused all the same

local prepared = {}   -- by the options of the attachment

local function prepare(event)
  local options = event.options
  if type(options.algorithms) ~= "table" then error("jwt_gate: options.algorithms is a list such as { \"RS256\" }", 0) end
  if options.claims ~= nil and type(options.claims) ~= "table" then
    error("jwt_gate: options.claims gives each claim's header", 0)
  end
  local name = options.secret or "jwt"
  if not event.secrets[name] then error("jwt_gate: secrets = { \"" .. name .. "\" } is missing from the attachment", 0) end
  local rules = {
    algorithms = options.algorithms, key = event.secrets[name], issuer = options.issuer, audience = options.audience,
    leeway = options.leeway, requires_expiry = true,
  }
  prepared[options] = rules
  return rules
end

local function refuse(reason)
  local challenge = reason and "Bearer error=\"invalid_token\", error_description=\"" .. reason .. "\"" or "Bearer"
  return {
    status = 401,
    headers = { ["www-authenticate"] = challenge, ["content-type"] = "text/plain", ["cache-control"] = "no-store" },
    body = (reason or "a token is wanted") .. "\n",
  }
end

-- The token of Authorization, or nil; then whether a token was meant.
local function bearer(headers)
  local fields = headers:all("authorization")
  if #fields > 1 then return nil, true end
  local field = fields[1] or ""
  if string.lower(string.match(field, "^%a*")) ~= "bearer" then return nil, false end
  return string.match(field, "^%a+ +(%S+)$"), true
end

local function can_be_sent(text) return #text <= 4096 and string.find(text, "^%S[^%c]*$") and not string.find(text, " $") end

local function viewer_request(event)
  local options, request = event.options, event.request
  local rules = prepared[options] or prepare(event)
  for _, header in pairs(options.claims or {}) do request.headers[header] = nil end
  local token, is_meant = bearer(request.headers)
  if not is_meant and options.cookie then token = request.cookies[options.cookie] end
  if not token and not is_meant then
    if options.optional then return end
    return refuse()
  end
  local claims, reason = edge.jwt.verify(token or "", rules)
  if not claims then
    event.log.jwt = reason
    return refuse(reason)
  end
  for claim, header in pairs(options.claims or {}) do
    local value = claims[claim]
    if type(value) == "number" then value = tostring(value) end
    if type(value) == "string" and can_be_sent(value) then request.headers[header] = value end
  end
end

return { viewer_request = viewer_request }
