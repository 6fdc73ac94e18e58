local function visit(event)
  event.options = event.options or { host = "www.example.com" }
  local response = run("viewer_request", event).response
  return response and response.headers.location, response and response.status
end

test("lets the right name go on", function() expect(visit { host = "www.example.com" }, nil) end)

test("does not mind capitals and the port", function() expect(visit { host = "WWW.example.com:443" }, nil) end)

test("does not mind capitals in its option", function()
  local options = { host = "WWW.Example.com" }
  expect(visit { host = "www.example.com", options = options }, nil)
  expect(visit { host = "WWW.Example.com", options = options }, nil)
  expect(visit { host = "example.com", options = options }, "https://www.example.com/")
end)

test("leads from another name, with path and query", function()
  local location, status = visit { host = "example.com", path = "/a/b?c=d" }
  expect(location, "https://www.example.com/a/b?c=d")
  expect(status, 301)
end)

test("leads from HTTP to HTTPS", function()
  expect(visit { host = "www.example.com", protocol = "http" }, "https://www.example.com/")
end)

test("leaves HTTP alone if told to", function()
  local options = { host = "www.example.com", https = false, status = 308 }
  expect(visit { host = "www.example.com", protocol = "http", options = options }, nil)
  local location, status = visit { host = "example.com", protocol = "http", options = options }
  expect(location, "http://www.example.com/")
  expect(status, 308)
  for _, allowed in ipairs { 302, 307 } do
    location, status = visit { host = "example.com", options = { host = "www.example.com", status = allowed } }
    expect(status, allowed)
  end
end)

test("refuses options that make no sense", function()
  expect_match(fails("viewer_request", {}).message, "options.host is the name")
  expect_match(fails("viewer_request", { options = { host = "a", status = 200 } }).message, "options.status")
  expect_match(fails("viewer_request", { options = { host = "a.example:8443" } }).message, "without port")
end)
