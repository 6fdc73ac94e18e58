local function request(event) return run("origin_request", event).request end

test("finds the object of a path", function()
  local options = { prefix = "/site/v42" }
  expect(request({ path = "/docs/", options = options }).path, "/site/v42/docs/index.html")
  expect(request({ path = "/", options = options }).path, "/site/v42/index.html")
  expect(request({ path = "/a/b.css", options = options }).path, "/site/v42/a/b.css")
  expect(request({ path = "/docs/" }).path, "/docs/index.html")
end)

test("looks for another index, or none", function()
  expect(request({ path = "/docs/", options = { index = "home.html" } }).path, "/docs/home.html")
  expect(request({ path = "/docs/", options = { index = false } }).path, "/docs/")
end)

test("keeps from the bucket what is not for it", function()
  local r = request { path = "/a?b=c", headers = { cookie = "a=b", authorization = "Basic x", accept = "*/*" } }
  expect(r.query_string, nil)
  expect(r.headers.cookie, nil)
  expect(r.headers.authorization, nil)
  expect(r.headers.accept, "*/*")
end)

test("lets the query go along if told to", function()
  expect(request({ path = "/a?versionId=7", options = { keep_query = true } }).query_string, "versionId=7")
end)

test("lets no path out of the prefix", function()
  for _, path in ipairs { "/../x", "/a/../../x", "/a/..", "/%2e%2e/x", "/.%2E/x", "/a%2f..%2fx", "/..%5cx", "/..\\x", "/./x" } do
    local r = run("origin_request", { path = path, options = { prefix = "/site/v42" } })
    expect({ path, r.response and r.response.status }, { path, 400 })
  end
  for _, path in ipairs { "/a..b", "/.well-known/x", "/...", "/..a/x" } do
    expect(request({ path = path, options = { prefix = "/site" } }).path, "/site" .. path)
  end
  expect(run("origin_request", { path = "/../x" }).response, {
    status = 400, body = "this path leads elsewhere\n",
    headers = { ["content-type"] = "text/plain", ["cache-control"] = "no-store" },
  })
end)

test("refuses a path that the prefix makes too long", function()
  local options = { prefix = "/site/v42" }
  local r = run("origin_request", { path = "/" .. string.rep("a", 8172) .. "/", options = options })
  expect(r.response and r.response.status, 414)
  expect(#request({ path = "/" .. string.rep("a", 8171) .. "/", options = options }).path, 8192)
end)

test("refuses options that make no sense", function()
  expect_match(fails("origin_request", { options = { prefix = "site" } }).message, "options.prefix begins")
  expect_match(fails("origin_request", { options = { prefix = "/site/" } }).message, "options.prefix begins")
  expect_match(fails("origin_request", { options = { index = 1 } }).message, "options.index")
  expect_match(fails("origin_request", { options = { prefix = "a/b" } }).message, "options.prefix begins")
end)
