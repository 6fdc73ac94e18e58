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
  expect(visit(nil).response, {
    status = 401, body = "a name and a password are wanted\n",
    headers = {
      ["content-type"] = "text/plain", ["cache-control"] = "no-store",
      ["www-authenticate"] = "Basic realm=\"this site\", charset=\"UTF-8\"",
    },
  })
  local challenge = visit(nil, { options = { realm = "staging" } }).response.headers["www-authenticate"]
  expect(challenge, "Basic realm=\"staging\", charset=\"UTF-8\"")
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
  for _, authorization in ipairs {
    "Basic " .. wrong, "Basic " .. eve, "Basic !", "Basic", "Bearer " .. ada, "Basic OmI=", "Basic " .. bob .. " x",
    "x Basic " .. bob, "Basic " .. string.rep("a", 15000), { "Basic " .. bob, "Basic " .. bob },
  } do
    expect(visit(authorization).response.status, 401)
  end
end)

test("takes no password in the clear", function()
  local response = visit("Basic " .. ada, { protocol = "http" }).response
  expect(response, { status = 403, body = "come by HTTPS\n", headers = { ["content-type"] = "text/plain" } })
end)

test("tells the origin who it is, if told to", function()
  local r = visit("Basic " .. ada, { options = { header = "x-user", secret = "team" }, secrets = { team = secrets.accounts } })
  expect(r.request.headers["x-user"], "ada")
end)

test("refuses to run without accounts", function()
  expect_match(fails("viewer_request", {}).message, "secrets = { \"accounts\" } is missing")
  expect_match(fails("viewer_request", { secrets = { accounts = "\n" } }).message, "no line name:password")
end)
