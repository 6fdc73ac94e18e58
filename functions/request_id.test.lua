local function both(event)
  event.id = "edge-1"
  local first = run("viewer_request", event)
  local second = run("viewer_response", { id = "edge-1", options = event.options, state = first.state })
  return first, second
end

test("gives the request's id to both sides", function()
  local first, second = both {}
  expect(first.request.headers["x-request-id"], "edge-1")
  expect(second.response.headers["x-request-id"], "edge-1")
  expect(first.access_log, {})
end)

test("does not believe viewers", function()
  local first = both { headers = { ["x-request-id"] = "mine" } }
  expect(first.request.headers["x-request-id"], "edge-1")
end)

test("believes them if told to, and if it is an id", function()
  local first, second = both { headers = { ["x-request-id"] = "mine-1" }, options = { trust = true } }
  expect(first.request.headers["x-request-id"], "mine-1")
  expect(first.access_log.request_id, "mine-1")
  expect(second.response.headers["x-request-id"], "mine-1")
  first = both { headers = { ["x-request-id"] = "no id; at all" }, options = { trust = true } }
  expect(first.request.headers["x-request-id"], "edge-1")
  for length, wanted in pairs { [128] = string.rep("a", 128), [129] = "edge-1" } do
    first = both { headers = { ["x-request-id"] = string.rep("a", length) }, options = { trust = true } }
    expect(first.request.headers["x-request-id"], wanted)
  end
end)

test("uses another header if told to", function()
  local first, second = both { options = { header = "x-trace" } }
  expect(first.request.headers["x-trace"], "edge-1")
  expect(second.response.headers["x-trace"], "edge-1")
  expect_match(fails("viewer_request", { options = { header = {} } }).message, "options.header")
end)

test("has an id for answers that no request stage saw", function()
  expect(run("viewer_response", { id = "edge-2" }).response.headers["x-request-id"], "edge-2")
end)
