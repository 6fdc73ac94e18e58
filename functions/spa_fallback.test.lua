local function path(event) return run("viewer_request", event).request.path end

test("serves the page for an address of the application", function()
  expect(path { path = "/" }, "/index.html")
  expect(path { path = "/users/7/edit" }, "/index.html")
  expect(path { path = "/v1.2/about" }, "/index.html")
end)

test("leaves files alone", function()
  expect(path { path = "/assets/app.js" }, "/assets/app.js")
  expect(path { path = "/.well-known" }, "/.well-known")
end)

test("keeps the query", function()
  expect(run("viewer_request", { path = "/a?b=c" }).request.query_string, "b=c")
end)

test("leaves paths alone that are excepted, and what is no reading", function()
  local options = { except = { "/api/" }, page = "/app.html" }
  expect(path { path = "/api/users", options = options }, "/api/users")
  expect(path { path = "/apiary", options = options }, "/app.html")
  expect(path { path = "/form", method = "POST", options = options }, "/form")
  expect(path { path = "/my/api/users", options = options }, "/app.html")
  expect(path { path = "/users", method = "HEAD", options = options }, "/app.html")
end)

test("refuses options that make no sense", function()
  expect_match(fails("viewer_request", { options = { page = "index.html" } }).message, "options.page")
  expect_match(fails("viewer_request", { options = { except = "/api" } }).message, "options.except")
end)
