local options = { origins = { blue = 90, green = 10 } }

test("shares requests out by weight", function()
  local count = { blue = 0, green = 0 }
  for i = 1, 1000 do
    local origin = run("origin_request", { id = "request-" .. i, options = options }).origin
    count[origin] = count[origin] + 1
  end
  expect(count.green > 60 and count.green < 140)
  expect(count.blue + count.green, 1000)
end)

test("asks nobody whose weight is 0", function()
  for i = 1, 50 do
    local r = run("origin_request", { id = "request-" .. i, options = { origins = { blue = 1, green = 0 } } })
    expect(r.origin, "blue")
    expect(r.access_log.origin_choice, "blue")
  end
end)

test("stays with one origin for a viewer if told to", function()
  local sticky = { origins = { blue = 1, green = 1 }, by = "viewer" }
  local seen = {}
  for viewer = 1, 40 do
    local ip = "192.0.2." .. viewer
    local first = run("origin_request", { id = "a", ip = ip, options = sticky }).origin
    expect(run("origin_request", { id = "b", ip = ip, options = sticky }).origin, first)
    seen[first] = true
  end
  expect(seen, { blue = true, green = true })
  -- The shares are kept: addresses differ by little, what is drawn for them does not.
  local count = 0
  local uneven = { origins = { blue = 3, green = 1 }, by = "viewer" }
  for viewer = 1, 250 do
    if run("origin_request", { ip = "192.0.2." .. viewer, options = uneven }).origin == "green" then count = count + 1 end
  end
  expect(count > 35 and count < 90)
  expect(run("origin_request", { options = { origins = { blue = 1 }, by = "request" } }).origin, "blue")
end)

test("refuses options that make no sense", function()
  expect_match(fails("origin_request", {}).message, "options.origins gives")
  expect_match(fails("origin_request", { options = { origins = { a = -1 } } }).message, "%[\"a\"%] is a weight")
  expect_match(fails("origin_request", { options = { origins = { a = 0 } } }).message, "no origin has a weight")
  expect_match(fails("origin_request", { options = { origins = { a = 1 }, by = "ip" } }).message, "options.by")
  expect_match(fails("origin_request", { options = { origins = { a = 1, b = -0.5 } } }).message, "%[\"b\"%] is a weight")
end)
