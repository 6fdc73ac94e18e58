-- Signed with the key "k" as the function's header says.
local signature, of_all = "owRxVKz93Xo5zyCvS6P8er_bzJTzvEj1wGyENhLzDqk", "qxC5MHL5xBfU503UGeWgtpJQkuip_2G1CFe6kRy90Xs"
local options = { prefix = "/members/" }

local function visit(cookie, event)
  event = event or {}
  event.path = event.path or "/members/area"
  event.options = event.options or options
  event.secrets = { cookie_key = "k" }
  event.headers = { cookie = cookie and "a=b; access=" .. cookie }
  event.now = event.now or 1700000000
  return run("viewer_request", event)
end

test("lets in who holds the cookie, and keeps it from the origin", function()
  local r = visit("1700003600." .. signature)
  expect(r.response, nil)
  expect(r.request.headers.cookie, "a=b")
  expect(visit("1700003600." .. of_all, { options = {} }).response, nil)
end)

test("lets in nobody else", function()
  expect(visit(nil).response.status, 403)
  expect(visit("1700003600.abc").response.status, 403)
  expect(visit("1700003600").response.status, 403)
  expect(visit("1700003601." .. signature).response.status, 403)
  expect(visit("1700003600." .. of_all).response.status, 403)
end)

test("lets nobody in when the time is over", function()
  expect(visit("1700003600." .. signature, { now = 1700003599 }).response, nil)
  expect(visit("1700003600." .. signature, { now = 1700003601 }).response.status, 403)
end)

test("leaves other paths open", function() expect(visit(nil, { path = "/about" }).response, nil) end)

test("sends people to the login if there is one", function()
  local with = { prefix = "/members/", login = "https://login.example/?back=" }
  local response = visit(nil, { options = with }).response
  expect(response.status, 302)
  expect(response.headers.location, "https://login.example/?back=%2Fmembers%2Farea")
end)

test("refuses to run without a key, or with a prefix that is none", function()
  expect_match(fails("viewer_request", {}).message, "secrets = { \"cookie_key\" } is missing")
  local wrong = { options = { prefix = "members" }, secrets = { cookie_key = "k" } }
  expect_match(fails("viewer_request", wrong).message, "options.prefix begins")
end)
