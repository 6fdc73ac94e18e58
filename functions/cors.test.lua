local options = {
  origins = { "https://app.example" }, methods = { "GET", "PUT" }, headers = { "content-type" },
  expose = { "etag" }, credentials = true, max_age = 60,
}

local function preflight(origin, with)
  return run("viewer_request", {
    method = "OPTIONS", path = "/api", options = with or options,
    headers = { origin = origin, ["access-control-request-method"] = "PUT" },
  })
end

local function answer(origin, with)
  return run("viewer_response", { headers = { origin = origin }, options = with or options }).response.headers
end

test("answers a preflight", function()
  local response = preflight("https://app.example").response
  expect(response.status, 204)
  expect(response.headers["access-control-allow-origin"], "https://app.example")
  expect(response.headers["access-control-allow-methods"], "GET, PUT")
  expect(response.headers["access-control-allow-headers"], "content-type")
  expect(response.headers["access-control-allow-credentials"], "true")
  expect(response.headers["access-control-max-age"], "60")
  expect(response.headers.vary, "Origin")
end)

test("answers a stranger's preflight without a word of leave", function()
  local response = preflight("https://other.example").response
  expect(response.status, 204)
  expect(response.headers["access-control-allow-origin"], nil)
end)

test("lets other requests go on", function()
  expect(run("viewer_request", { method = "OPTIONS", options = options }).response, nil)
  expect(run("viewer_request", { headers = { origin = "https://app.example" }, options = options }).response, nil)
end)

test("lets a page read an answer", function()
  local headers = answer("https://app.example")
  expect(headers["access-control-allow-origin"], "https://app.example")
  expect(headers["access-control-expose-headers"], "etag")
  expect(headers["access-control-allow-credentials"], "true")
  expect(headers.vary, "Origin")
end)

test("lets no stranger read one, whatever the origin said", function()
  local r = run("viewer_response", {
    headers = { origin = "https://other.example" }, options = options,
    response = { headers = { ["access-control-allow-origin"] = "*", vary = "Accept" } },
  })
  expect(r.response.headers["access-control-allow-origin"], nil)
  expect(r.response.headers.vary, "Accept, Origin")
  for vary, wanted in pairs { ["Accept, origin"] = "Accept, origin", ["X-Origin"] = "X-Origin, Origin" } do
    r = run("viewer_response", { options = options, response = { headers = { vary = vary } } })
    expect(r.response.headers.vary, wanted)
  end
end)

test("lets everybody read where everybody may", function()
  local headers = answer("https://any.example", { origins = { "*" } })
  expect(headers["access-control-allow-origin"], "*")
  expect(headers.vary, nil)
  expect(answer(nil, { origins = { "*" } })["access-control-allow-origin"], "*")
  local told = preflight("https://any.example", { origins = { "*" } }).response.headers
  expect({ told["access-control-allow-methods"], told["access-control-max-age"] }, { "GET, HEAD, POST", "600" })
end)

test("lets no word of the origin through", function()
  local said = {
    ["access-control-allow-origin"] = "*", ["access-control-allow-credentials"] = "true", ["access-control-max-age"] = "600",
    ["access-control-allow-methods"] = "DELETE", ["access-control-expose-headers"] = "x-secret", etag = "\"1\"",
  }
  local function visit(origin, with, method)
    local headers = { origin = origin, ["access-control-request-method"] = method and "PUT" }
    return run("viewer_response", { method = method, headers = headers, options = with, response = { headers = said } }).response.headers
  end
  expect(visit("https://other.example", options), { etag = "\"1\"", vary = "Origin" })
  expect(visit("https://app.example", { origins = { "https://app.example" } }),
    { etag = "\"1\"", vary = "Origin", ["access-control-allow-origin"] = "https://app.example" })
  expect(visit(nil, options), { etag = "\"1\"", vary = "Origin" })
  -- A preflight that the origin has answered.
  expect(visit("https://app.example", options, "OPTIONS"), {
    etag = "\"1\"", vary = "Origin", ["access-control-allow-origin"] = "https://app.example",
    ["access-control-allow-credentials"] = "true", ["access-control-allow-methods"] = "GET, PUT",
    ["access-control-allow-headers"] = "content-type", ["access-control-max-age"] = "60",
  })
end)

test("says the same of a preflight at both stages", function()
  local headers = preflight("https://app.example").response.headers
  local r = run("viewer_response", {
    method = "OPTIONS", headers = { origin = "https://app.example", ["access-control-request-method"] = "PUT" },
    options = options, response = { status = 204, headers = headers },
  })
  expect(r.response.headers, headers)
end)

test("refuses options that make no sense", function()
  expect_match(fails("viewer_response", {}).message, "cors: options.origins is a list")
  local both = fails("viewer_response", { options = { origins = { "*" }, credentials = true } })
  expect_match(both.message, "named origins")
  local word = fails("viewer_response", { options = { origins = { "*" }, methods = "GET" } })
  expect_match(word.message, "options.methods is a list")
  expect_match(fails("viewer_response", { options = { origins = {} } }).message, "cors: options.origins is a list")
end)
