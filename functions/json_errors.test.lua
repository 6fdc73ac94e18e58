local function answer(status, event)
  event = event or {}
  event.response = { status = status, headers = { ["content-type"] = event.kind or "text/html" }, body = "<h1>as it was</h1>" }
  event.kind = nil
  event.id = "7f3a"
  return run("viewer_response", event).response
end

local program = { accept = "application/json" }

test("tells a program what went wrong", function()
  local response = answer(502, { headers = program })
  expect(response.status, 502)
  expect(response.headers["content-type"], "application/json")
  expect(response.body, "{\"error\":{\"status\":502,\"title\":\"Bad Gateway\",\"request\":\"7f3a\"}}\n")
end)

test("has words for every status", function()
  local words = {
    [400] = "Bad Request", [401] = "Unauthorized", [403] = "Forbidden", [404] = "Not Found", [405] = "Method Not Allowed",
    [406] = "Not Acceptable", [408] = "Request Timeout", [409] = "Conflict", [410] = "Gone", [413] = "Content Too Large",
    [415] = "Unsupported Media Type", [416] = "Range Not Satisfiable", [422] = "Unprocessable Content",
    [429] = "Too Many Requests", [500] = "Internal Server Error", [503] = "Service Unavailable", [504] = "Gateway Timeout",
    [418] = "Client Error", [499] = "Client Error", [501] = "Server Error", [599] = "Server Error",
  }
  for status, title in pairs(words) do
    local wanted = string.format("{\"error\":{\"status\":%d,\"title\":\"%s\",\"request\":\"7f3a\"}}\n", status, title)
    expect(answer(status, { headers = program }).body, wanted)
  end
end)

test("leaves people their pages", function()
  expect(answer(404).body, "<h1>as it was</h1>")
  expect(answer(404, { headers = { accept = "text/html,application/json" } }).body, "<h1>as it was</h1>")
end)

test("leaves alone what is no error, and what is JSON already", function()
  expect(answer(200, { headers = program }).body, "<h1>as it was</h1>")
  expect(answer(422, { headers = program, kind = "application/problem+json" }).body, "<h1>as it was</h1>")
  expect(answer(399, { headers = program }).body, "<h1>as it was</h1>")
end)

test("answers everybody so where it is told to", function()
  local options = { paths = { "/api/" } }
  expect_match(answer(404, { path = "/api/users", options = options }).body, "\"Not Found\"")
  expect(answer(404, { path = "/users", options = options }).body, "<h1>as it was</h1>")
  expect(answer(404, { path = "/my/api/users", options = options }).body, "<h1>as it was</h1>")
end)

test("refuses options that make no sense", function()
  expect_match(fails("viewer_response", { options = { paths = "/api/" } }).message, "options.paths is a list")
end)
