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
  expect(visit(nil).response, {
    status = 403, body = "for members\n", headers = { ["content-type"] = "text/plain", ["cache-control"] = "no-store" },
  })
  expect(visit(nil, { path = "/a", options = {} }).response.status, 403)
  expect(visit("x1700003600." .. signature).response.status, 403)
  expect(visit("1700003600." .. signature .. "!").response.status, 403)
  expect(visit("1700003600.abc").response.status, 403)
  expect(visit("1700003600").response.status, 403)
  expect(visit("1700003601." .. signature).response.status, 403)
  expect(visit("1700003600." .. of_all).response.status, 403)
end)

test("lets nobody in when the time is over", function()
  expect(visit("1700003600." .. signature, { now = 1700003600 }).response, nil)
  expect(visit("1700003600." .. signature, { now = 1700003601 }).response.status, 403)
end)

test("leaves other paths open", function() expect(visit(nil, { path = "/about" }).response, nil) end)

test("guards a path however it is written", function()
  for _, path in ipairs {
    "/%6dembers/area", "/%6Dembers%2Farea", "//members/area", "/members//area", "/members;a=b/area", "/;a/members/area",
    "/members%5Carea", "/\\members\\area", "/./members/area", "/about/../members/area", "/about/%2e%2e/members/area",
    "/about/..%2fmembers/area", "/about/..;/members/area", "/about/%2E./members/area", "/members/..", "/about/.",
  } do
    local r = visit(nil, { path = path })
    expect({ path, r.response and r.response.status }, { path, 403 })
    expect(visit("1700003600." .. signature, { path = path }).response, nil)
  end
  for _, path in ipairs { "/about/members/area", "/member", "/about/...", "/.well-known/a", "/a..b/c", "/100%", "/%256dembers/" } do
    local r = visit(nil, { path = path })
    expect({ path, r.response and r.response.status }, { path, nil })
  end
end)

test("guards a prefix that is written with escapes", function()
  local with = { prefix = "/caf%C3%A9/" }
  expect(visit(nil, { path = "/caf%c3%a9/a", options = with }).response.status, 403)
  expect(visit(nil, { path = "/cafe/a", options = with }).response, nil)
end)

test("sends people to the login if there is one", function()
  local with = { prefix = "/members/", login = "https://login.example/?back=" }
  local response = visit(nil, { options = with }).response
  expect(response.status, 302)
  expect(response.headers.location, "https://login.example/?back=%2Fmembers%2Farea")
  expect(response.headers["cache-control"], "no-store")

  local long = "/members/" .. string.rep("%", 6000)   -- three times as long behind the login, which no header may be
  expect(visit(nil, { path = long, options = with }).response.headers.location, "https://login.example/?back=%2Fmembers%2F")
end)

test("refuses to run without a key, or with a prefix that is none", function()
  expect_match(fails("viewer_request", {}).message, "secrets = { \"cookie_key\" } is missing")
  local wrong = { options = { prefix = "members" }, secrets = { cookie_key = "k" } }
  expect_match(fails("viewer_request", wrong).message, "options.prefix begins")
  wrong = { options = { prefix = "/a/../" }, secrets = { cookie_key = "k" } }
  expect_match(fails("viewer_request", wrong).message, "options.prefix has no part")
end)
