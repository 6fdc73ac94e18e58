local url = "https://auth.example/check"

test("asks with what the viewer showed, and lets through", function()
  test.fetch(url, { status = 204, headers = { ["X-User"] = "ada" } })
  local r = run("viewer_request", {
    method = "POST", path = "/orders?page=2", host = "shop.example",
    headers = { cookie = "s=1", ["x-tenant"] = "t", ["x-user"] = "forged", ["x-other"] = "o" },
    options = { url = url, send = { "X-Tenant" }, take = { "x-user" } },
  })
  expect(r.response, nil)
  expect(r.request.headers["x-user"], "ada")
  expect(#r.fetches, 1)
  expect(r.fetches[1], {
    url = url, method = "GET",
    headers = {
      cookie = "s=1", ["x-tenant"] = "t", ["x-forwarded-method"] = "POST", ["x-forwarded-proto"] = "https",
      ["x-forwarded-host"] = "shop.example", ["x-forwarded-uri"] = "/orders?page=2",
    },
  })
end)

test("hands a refusal on", function()
  test.fetch(url, { status = 302, headers = { location = "https://login.example/", ["set-cookie"] = { "a=1", "b=2" }, server = "s" } })
  local r = run("viewer_request", { options = { url = url } })
  expect(r.response.status, 302)
  expect(r.response.headers.location, "https://login.example/")
  expect(r.response.headers["set-cookie"], { "a=1", "b=2" })
  expect(r.response.headers.server, nil)
  expect(r.access_log.forward_auth, "302")
end)

test("lets through with the statuses that say so, and with no other", function()
  for status, passes in pairs { [200] = true, [299] = true, [300] = false, [404] = false } do
    test.fetch(url .. status, { status = status, body = "it", headers = { ["content-type"] = "text/x" } })
    local r = run("viewer_request", { path = "/a", options = { url = url .. status } })
    local wanted = { status = status, body = "it", headers = { ["content-type"] = "text/x", ["cache-control"] = "no-store" } }
    expect(r.response, not passes and wanted or nil)
    expect(r.fetches[1].headers["x-forwarded-uri"], "/a")
  end
end)

test("takes a forged header away whatever the service says", function()
  test.fetch(url, { status = 200 })
  local r = run("viewer_request", { headers = { ["x-user"] = "forged" }, options = { url = url, take = { "x-user" } } })
  expect(r.request.headers["x-user"], nil)
end)

test("closes when the service does not answer", function()
  test.fetch(url, { error = "timeout" })
  local r = run("viewer_request", { options = { url = url } })
  local headers = { ["content-type"] = "text/plain", ["cache-control"] = "no-store" }
  expect(r.response, { status = 503, headers = headers, body = "nobody can say whether this may be seen\n" })
  expect(r.access_log.forward_auth, "timeout")
end)

test("asks an origin by its name", function()
  test.fetch({ origin = "auth", path = "/check" }, { status = 401, body = "no\n", headers = { ["www-authenticate"] = "Basic" } })
  test.fetch({ origin = "auth", path = "/check" }, { status = 200 })
  local options = { url = { origin = "auth", path = "/check" } }
  local refused = run("viewer_request", { options = options })
  expect(refused.response.status, 401)
  expect(refused.response.body, "no\n")
  expect(refused.response.headers["www-authenticate"], "Basic")
  expect(run("viewer_request", { options = options }).response, nil)
end)

test("sends on whatever a viewer sends, or says that it is too long", function()
  test.fetch(url, { status = 204 })
  local options = { url = url, send = { "x-a", "x-b", "x-c" } }
  local function visit(headers) return run("viewer_request", { headers = headers, options = options }) end
  local r = visit { ["x-a"] = { "1", "" }, ["x-b"] = { "", "2", "3" }, ["x-c"] = "", cookie = { "a=1", "b=2" }, authorization = { "x", "" } }
  expect(r.response, nil)
  local sent = r.fetches[1].headers
  expect({ sent["x-a"], sent["x-b"], sent["x-c"], sent.cookie, sent.authorization }, { "1", "2, 3", nil, "a=1; b=2", "x" })
  for _, name in ipairs { "cookie", "authorization", "x-a" } do
    r = visit { [name] = string.rep("c", 16385) }
    local plain = { ["content-type"] = "text/plain", ["cache-control"] = "no-store" }
    expect(r.response, { status = 431, headers = plain, body = name .. " is too long\n" })
    expect(#r.fetches, 0)
    expect(visit({ [name] = string.rep("c", 16384) }).response, nil)
  end
  for length, status in pairs { [16384] = 302, [16385] = 431 } do
    local target = { origin = "auth", path = "/" .. length }
    test.fetch(target, { status = 302, headers = { location = string.rep("l", length) } })
    expect(run("viewer_request", { options = { url = target } }).response.status, status)
  end
end)

test("says what is missing", function()
  expect_match(fails("viewer_request", {}).message, "options.url")
  expect_match(fails("viewer_request", { options = { url = url, send = "x" } }).message, "options.send")
end)
