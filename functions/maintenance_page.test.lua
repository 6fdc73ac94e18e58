test("closes the site", function()
  local response = run("viewer_request", { path = "/shop" }).response
  expect(response.status, 503)
  expect(response.headers["retry-after"], "600")
  expect(response.headers["cache-control"], "no-store")
  expect_match(response.body, "<h1>Back soon</h1>")
  expect(response.headers["content-type"], "text/html; charset=utf-8")
  expect_match(response.body, "^<!doctype html>\n<meta charset=\"utf%-8\">\n<title>Back soon</title>\n")
  expect_match(response.body, "<p>We are working on this site. Please come again in a few minutes.</p>\n$")
end)

test("lets those in who work on it", function()
  local options = { let_in = { "203.0.113.7" } }
  expect(run("viewer_request", { ip = "203.0.113.7", options = options }).response, nil)
  expect(run("viewer_request", { ip = "203.0.113.8", options = options }).response.status, 503)
end)

test("leaves some paths open", function()
  local options = { except = { "/status" } }
  expect(run("viewer_request", { path = "/status/db", options = options }).response, nil)
  expect(run("viewer_request", { path = "/", options = options }).response.status, 503)
  expect(run("viewer_request", { path = "/shop/status", options = options }).response.status, 503)
  for _, path in ipairs { "/status/../shop", "/status/%2e%2E/shop", "/status/..", "/status%2f..%2fshop", "/status/..;/shop" } do
    expect(run("viewer_request", { path = path, options = options }).response.status, 503)
  end
end)

test("says what it is told, as text", function()
  local options = { title = "A & B", text = "<soon>", retry_after = 60 }
  local response = run("viewer_request", { options = options }).response
  expect_match(response.body, "<title>A &amp; B</title>")
  expect_match(response.body, "<p>&lt;soon&gt;</p>")
  expect(response.headers["retry-after"], "60")
end)

test("refuses options that make no sense", function()
  expect_match(fails("viewer_request", { options = { retry_after = "soon" } }).message, "options.retry_after")
  expect_match(fails("viewer_request", { options = { let_in = "203.0.113.7" } }).message, "options.let_in is a list")
  expect_match(fails("viewer_request", { options = { except = "/status" } }).message, "options.except is a list")
end)
