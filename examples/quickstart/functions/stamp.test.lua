test("says who made the answer", function()
  local r = run("viewer_response", { response = { source = "function" } })
  expect(r.response.headers["x-stamp"], "by=function")
end)

test("says how long it took", function()
  local r = run("viewer_response", { now = 10.5, state = { began = 10.25 }, response = { source = "origin" } })
  expect(r.response.headers["x-stamp"], "by=origin; ms=250.0")
end)
