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
end)

test("lets everybody read where everybody may", function()
  local headers = answer("https://any.example", { origins = { "*" } })
  expect(headers["access-control-allow-origin"], "*")
  expect(headers.vary, nil)
end)

test("refuses options that make no sense", function()
  expect_match(fails("viewer_response", {}).message, "cors: options.origins is a list")
  local both = fails("viewer_response", { options = { origins = { "*" }, credentials = true } })
  expect_match(both.message, "named origins")
  local word = fails("viewer_response", { options = { origins = { "*" }, methods = "GET" } })
  expect_match(word.message, "options.methods is a list")
end)
