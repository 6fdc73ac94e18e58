test("says hello", function()
  local r = run("viewer_request", { path = "/hello?name=Ada%20L." })
  expect(r.response.status, 200)
  expect(r.response.body, "Hello, Ada L.!\n")
end)

test("knows who did not say a name", function()
  expect(run("viewer_request", { path = "/hello" }).response.body, "Hello, stranger!\n")
end)

test("finds the notes", function()
  local r = run("viewer_request", { path = "/notes" })
  expect(r.response, nil)
  expect(r.request.path, "/notes.txt")
end)

test("leaves other paths alone", function()
  expect(run("viewer_request", { path = "/notes/more" }).request.path, "/notes/more")
end)
