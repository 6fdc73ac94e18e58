test("hides what the origin runs on", function()
  local headers = { server = "Apache", ["X-Powered-By"] = "PHP", ["content-type"] = "text/html" }
  for _, stage in ipairs { "origin_response", "viewer_response" } do
    local r = run(stage, { response = { headers = headers } })
    expect(r.response.headers, { ["content-type"] = "text/html" })
  end
  local all = { ["x-aspnet-version"] = "4", ["x-runtime"] = "0.1", ["x-other"] = "1" }
  expect(run("viewer_response", { response = { headers = all } }).response.headers, { ["x-other"] = "1" })
end)

test("takes away what viewers may not say", function()
  local headers = { ["X-Internal-User"] = "root", ["x-internal-role"] = "admin", ["x-debug"] = "1", accept = "*/*" }
  for _, stage in ipairs { "viewer_request", "origin_request" } do
    local r = run(stage, { headers = headers, options = { request = { "X-Internal-*", "X-Debug" } } })
    expect(r.request.headers, { accept = "*/*", host = "example.com" })
  end
end)

test("takes away nothing else", function()
  local r = run("viewer_request", { headers = { ["x-debug"] = "1" } })
  expect(r.request.headers["x-debug"], "1")
  r = run("viewer_response", { response = { headers = { server = "a" } }, options = { response = {} } })
  expect(r.response.headers.server, "a")
  local near = { ["x-internals"] = "1", ["my-x-internal-a"] = "2" }
  r = run("viewer_request", { headers = near, options = { request = { "x-internal-*" } } })
  expect({ r.request.headers["x-internals"], r.request.headers["my-x-internal-a"] }, { "1", "2" })
end)

test("refuses options that make no sense", function()
  expect_match(fails("viewer_request", { options = { request = "x" } }).message, "options.request is a list")
  expect_match(fails("viewer_response", { options = { response = "x" } }).message, "options.response is a list")
end)
