-- basic_auth: asks for a name and a password before anything is shown.
--
--   viewer_request = { { name = "shelf/basic_auth", secrets = { "accounts" }, options = { realm = "staging" } } }
--
-- The secret has a line `name:password` for each account. Passwords travel in the clear, so over plain HTTP nobody is
-- let in. The origin does not see the credentials.
--
-- Options:
--   secret  which of the attachment's secrets has the accounts, default "accounts"
--   realm   what the browser's question says, default "this site"
--   header  request header that tells the origin who it is, default none

local known = {}   -- by the text of the secret

-- Hashes are equally long, so that comparing them tells nothing about a password's length.
local function accounts_of(text)
  local accounts = {}
  for name, password in string.gmatch(text, "([^:\r\n]+):([^\r\n]*)") do
    accounts[name] = edge.crypto.sha256(password)
  end
  if not next(accounts) then error("basic_auth: the secret has no line name:password", 0) end
  known[text] = accounts
  return accounts
end

local nobody = string.rep("\0", 32)

local function who(event, accounts)
  local scheme, code = string.match(event.request.headers.authorization or "", "^(%a+) +(%S+)$")
  if not scheme or string.lower(scheme) ~= "basic" then return nil end
  local text = edge.base64.decode(code)
  local name, password = string.match(text or "", "^([^:]*):(.*)$")
  if not name then return nil end
  local is_right = edge.crypto.equal(edge.crypto.sha256(password), accounts[name] or nobody)
  return is_right and name or nil
end

local function viewer_request(event)
  local options, headers = event.options, event.request.headers
  local text = event.secrets[options.secret or "accounts"]
  if not text then
    error("basic_auth: secrets = { \"" .. (options.secret or "accounts") .. "\" } is missing from the attachment", 0)
  end
  if event.viewer.protocol ~= "https" then
    return { status = 403, headers = { ["content-type"] = "text/plain" }, body = "come by HTTPS\n" }
  end
  local name = who(event, known[text] or accounts_of(text))
  if not name then
    return {
      status = 401,
      headers = {
        ["content-type"] = "text/plain",
        ["cache-control"] = "no-store",
        ["www-authenticate"] = "Basic realm=\"" .. (options.realm or "this site") .. "\", charset=\"UTF-8\"",
      },
      body = "a name and a password are wanted\n",
    }
  end
  headers.authorization = nil
  if options.header then headers[options.header] = name end
  event.log.user = name
end

return { viewer_request = viewer_request }
