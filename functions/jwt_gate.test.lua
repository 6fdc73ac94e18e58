-- Signed with HS256 and the key below; all of them end at 1700003600.
local key = "key-of-thirty-two-bytes-or-longer"
local good =
  "eyJhbGciOiAiSFMyNTYiLCAidHlwIjogIkpXVCJ9.eyJzdWIiOiJhZGEiLCJpc3MiOiJsb2dpbiIsImF1ZCI6InNob3AiLCJleHAiOjE3MDAwMDM2MDAsImFnZSI6MzZ9.GVqfx0wKUF4zkY-E_q6xGZZA4--Y2sYH0_Kcl1ZXBM8"
local forged =
  "eyJhbGciOiAiSFMyNTYiLCAidHlwIjogIkpXVCJ9.eyJzdWIiOiJhZGEiLCJpc3MiOiJsb2dpbiIsImF1ZCI6InNob3AiLCJleHAiOjE3MDAwMDM2MDAsImFnZSI6MzZ9.UtYPc7STm6m09BULcv1tSh5nYTmtliUD81Lhooq2unQ"
local unsigned =
  "eyJhbGciOiAibm9uZSIsICJ0eXAiOiAiSldUIn0.eyJzdWIiOiJhZGEiLCJpc3MiOiJsb2dpbiIsImF1ZCI6InNob3AiLCJleHAiOjE3MDAwMDM2MDAsImFnZSI6MzZ9."
local stranger =
  "eyJhbGciOiAiSFMyNTYiLCAidHlwIjogIkpXVCJ9.eyJzdWIiOiJhZGEiLCJpc3MiOiJvdGhlciIsImF1ZCI6InNob3AiLCJleHAiOjE3MDAwMDM2MDAsImFnZSI6MzZ9._dRjZkSsdfOAcgnOZw-5fdKPPPYOvQvXrkelf7lm7so"
local endless =
  "eyJhbGciOiAiSFMyNTYiLCAidHlwIjogIkpXVCJ9.eyJzdWIiOiJhZGEiLCJpc3MiOiJsb2dpbiIsImF1ZCI6InNob3AiLCJhZ2UiOjM2fQ.ZPxRr6tBoEZ1eAdrtKeyAVy5A7v3v3Zqtd7yWq9bz_s"
-- `sub` has blanks within, and `iss` one at its end.
local blanks =
  "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIGIiLCJpc3MiOiJjICIsImV4cCI6MTcwMDAwMzYwMH0.p5KQn9RRmtUdPL5U8Q13wU34SQN9nN5plKgfuIEF7QI"
local two_lines =   -- `sub` has a line break
  "eyJhbGciOiAiSFMyNTYiLCAidHlwIjogIkpXVCJ9.eyJzdWIiOiAiYVxueC1hZG1pbjogMSIsICJpc3MiOiAibG9naW4iLCAiZXhwIjogMTcwMDAwMzYwMH0.uzJ6-CK4ejuaKaz9nO6u8eIJrR5HQom7Nvg-AXJadWw"

local options = { algorithms = { "HS256" }, issuer = "login", audience = "shop", claims = { sub = "x-user", age = "x-age" } }

local function visit(token, event)
  event = event or {}
  event.options = event.options or options
  event.secrets = event.secrets or { jwt = key }
  event.headers = event.headers or { authorization = token and "Bearer " .. token }
  event.now = event.now or 1700000000
  return run("viewer_request", event)
end

test("lets a token through that counts, and tells the origin whose it is", function()
  local r = visit(good)
  expect(r.response, nil)
  expect(r.request.headers["x-user"], "ada")
  expect(r.request.headers["x-age"], "36")
end)

test("asks for a token", function()
  expect(visit(nil).response, {
    status = 401, body = "a token is wanted\n",
    headers = { ["www-authenticate"] = "Bearer", ["content-type"] = "text/plain", ["cache-control"] = "no-store" },
  })
end)

test("refuses what does not count, and says why", function()
  for _, token in ipairs { forged, unsigned, stranger, endless, "a.b.c", "x" } do
    local r = visit(token)
    local reason = r.access_log.jwt
    expect(r.response.status, 401)
    expect(r.response.headers["www-authenticate"], "Bearer error=\"invalid_token\", error_description=\"" .. reason .. "\"")
    expect(r.response.body, reason .. "\n")
  end
end)

test("refuses a token whose time is over, but for the leeway", function()
  expect(visit(good, { now = 1700003700 }).response.status, 401)
  local lenient = { algorithms = { "HS256" }, leeway = 200 }
  expect(visit(good, { now = 1700003700, options = lenient }).response, nil)
end)

test("takes a token from a cookie if told to", function()
  local with = { algorithms = { "HS256" }, cookie = "session", secret = "mine" }
  expect(visit(nil, { headers = { cookie = "session=" .. good }, options = with, secrets = { mine = key } }).response, nil)
  expect(visit(nil, { headers = { cookie = "session=" .. good } }).response.status, 401)
end)

test("knows the scheme in any case, and takes one token", function()
  for _, scheme in ipairs { "bearer", "BEARER", "bEarer" } do
    expect(visit(nil, { headers = { authorization = scheme .. " " .. good } }).response, nil)
  end
  local open = { algorithms = { "HS256" }, optional = true, cookie = "session" }
  for _, authorization in ipairs {
    "BEARER " .. forged, "bEarer " .. forged, "Bearer " .. good .. " z", "Bearer z " .. good, "Bearer", "Bearer\t" .. good, "Bearer," .. good,
    { "Basic YTpi", "Bearer " .. forged }, { "Bearer " .. good, "Basic YTpi" },
  } do
    local headers = { authorization = authorization, cookie = "session=" .. good }
    expect(visit(nil, { headers = headers, options = open }).response.status, 401)
  end
  expect(visit(nil, { headers = { authorization = "Basic YTpi" }, options = open }).response, nil)
  expect(visit(nil, { headers = { authorization = "Bearerer x" }, options = open }).response, nil)
end)

test("leaves out a claim that no header can hold", function()
  local with = { algorithms = { "HS256" }, claims = { sub = "x-user", iss = "x-issuer" } }
  local r = visit(two_lines, { options = with })
  expect(r.response, nil)
  expect(r.request.headers["x-user"], nil)
  expect(r.request.headers["x-issuer"], "login")
  r = visit(blanks, { options = with })
  expect(r.response, nil)
  expect(r.request.headers["x-user"], "a b")
  expect(r.request.headers["x-issuer"], nil)
end)

test("lets nobody say for himself who he is", function()
  local open = { algorithms = { "HS256" }, optional = true, claims = { sub = "x-user" } }
  local r = visit(nil, { headers = { ["x-user"] = "root" }, options = open })
  expect(r.response, nil)
  expect(r.request.headers["x-user"], nil)
  expect(visit(forged, { options = open }).response.status, 401)
end)

test("refuses options that make no sense", function()
  expect_match(fails("viewer_request", {}).message, "options.algorithms is a list")
  expect_match(fails("viewer_request", { options = options }).message, "secrets = { \"jwt\" } is missing")
  local wrong = { options = { algorithms = { "HS256" }, claims = "sub" }, secrets = { jwt = key } }
  expect_match(fails("viewer_request", wrong).message, "options.claims")
end)
