local secrets = { accounts = "ada:count:ess\nbob:builder\n" }

local function visit(authorization, event)
  event = event or {}
  event.secrets = event.secrets or secrets
  event.headers = { authorization = authorization }
  return run("viewer_request", event)
end

-- ada:count:ess, bob:builder, bob:wrong, eve:builder
local ada, bob, wrong, eve = "YWRhOmNvdW50OmVzcw==", "Ym9iOmJ1aWxkZXI=", "Ym9iOndyb25n", "ZXZlOmJ1aWxkZXI="

test("asks who it is", function()
  local response = visit(nil).response
  expect(response.status, 401)
  expect(response.headers["www-authenticate"], "Basic realm=\"this site\", charset=\"UTF-8\"")
  expect(response.headers["cache-control"], "no-store")
end)

test("lets in who knows the password", function()
  for _, code in ipairs { ada, bob } do
    local r = visit("Basic " .. code)
    expect(r.response, nil)
    expect(r.request.headers.authorization, nil)
  end
  expect(visit("basic " .. bob).access_log.user, "bob")
end)

test("lets in nobody else", function()
  for _, authorization in ipairs { "Basic " .. wrong, "Basic " .. eve, "Basic !", "Basic", "Bearer " .. ada, "Basic OmI=" } do
    expect(visit(authorization).response.status, 401)
  end
end)

test("takes no password in the clear", function()
  expect(visit("Basic " .. ada, { protocol = "http" }).response.status, 403)
end)

test("tells the origin who it is, if told to", function()
  local r = visit("Basic " .. ada, { options = { header = "x-user", secret = "team" }, secrets = { team = secrets.accounts } })
  expect(r.request.headers["x-user"], "ada")
end)

test("refuses to run without accounts", function()
  expect_match(fails("viewer_request", {}).message, "secrets = { \"accounts\" } is missing")
  expect_match(fails("viewer_request", { secrets = { accounts = "\n" } }).message, "no line name:password")
end)
