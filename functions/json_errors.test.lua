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
  expect_match(answer(499, { headers = program }).body, "\"Client Error\"")
  expect_match(answer(599, { headers = program }).body, "\"Server Error\"")
end)

test("leaves people their pages", function()
  expect(answer(404).body, "<h1>as it was</h1>")
  expect(answer(404, { headers = { accept = "text/html,application/json" } }).body, "<h1>as it was</h1>")
end)

test("leaves alone what is no error, and what is JSON already", function()
  expect(answer(200, { headers = program }).body, "<h1>as it was</h1>")
  expect(answer(422, { headers = program, kind = "application/problem+json" }).body, "<h1>as it was</h1>")
end)

test("answers everybody so where it is told to", function()
  local options = { paths = { "/api/" } }
  expect_match(answer(404, { path = "/api/users", options = options }).body, "\"Not Found\"")
  expect(answer(404, { path = "/users", options = options }).body, "<h1>as it was</h1>")
end)

test("refuses options that make no sense", function()
  expect_match(fails("viewer_response", { options = { paths = "/api/" } }).message, "options.paths is a list")
end)
