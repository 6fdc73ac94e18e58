local function path(event) return run("viewer_request", event).request.path end

test("gives the best format that is taken", function()
  expect(path { path = "/cat.jpg", headers = { accept = "image/avif,image/webp,*/*;q=0.8" } }, "/cat.jpg.avif")
  expect(path { path = "/cat.PNG", headers = { accept = "image/webp,*/*" } }, "/cat.PNG.webp")
  expect(path { path = "/a.b/cat.jpeg", headers = { accept = "image/avif, image/webp;q=0" } }, "/a.b/cat.jpeg.avif")
  expect(path { path = "/cat.jpg", headers = { accept = "image/avif;q=0.001" } }, "/cat.jpg.avif")
  expect(path { path = "/cat.jpg", headers = { accept = "image/x-y" }, options = { formats = { "x-y" } } }, "/cat.jpg.x-y")
end)

test("leaves the path to those who take none", function()
  expect(path { path = "/cat.jpg", headers = { accept = "image/*,*/*" } }, "/cat.jpg")
  expect(path { path = "/cat.jpg" }, "/cat.jpg")
  expect(path { path = "/cat.jpg", headers = { accept = "image/avif;q=0, image/webp" } }, "/cat.jpg.webp")
  expect(path { path = "/cat.jpg", headers = { accept = "image/avif;q=., image/webp ; q=0.0" } }, "/cat.jpg")
end)

test("leaves everything alone that is no image", function()
  expect(path { path = "/cat.html", headers = { accept = "image/avif" } }, "/cat.html")
  expect(path { path = "/jpg", headers = { accept = "image/avif" } }, "/jpg")
  expect(path { path = "/cat.jpg/more", headers = { accept = "image/avif" } }, "/cat.jpg/more")
  expect(path { path = "/cat.jpg.", headers = { accept = "image/avif" } }, "/cat.jpg.")
end)

test("replaces the extension if told to", function()
  local options = { replace = true, formats = { "webp" }, extensions = { "gif" } }
  expect(path { path = "/a/cat.gif", headers = { accept = "image/avif,image/webp" }, options = options }, "/a/cat.webp")
end)

test("says that the answer depends on Accept", function()
  local state = run("viewer_request", { path = "/cat.jpg" }).state
  expect(run("viewer_response", { state = state }).response.headers.vary, "Accept")
  state = run("viewer_request", { path = "/cat.html" }).state
  expect(run("viewer_response", { state = state }).response.headers.vary, nil)
end)

test("leaves a path alone that would be too long", function()
  local options = { formats = { string.rep("f", 60) } }
  local accept = { accept = "image/" .. options.formats[1] }
  local long = "/" .. string.rep("a", 8150) .. ".jpg"
  expect(path { path = long, headers = accept, options = options }, long)
end)

test("refuses options that make no sense", function()
  expect_match(fails("viewer_request", { options = { formats = "avif" } }).message, "options.formats is a list")
  expect_match(fails("viewer_request", { options = { extensions = "jpg" } }).message, "options.extensions is a list")
end)
