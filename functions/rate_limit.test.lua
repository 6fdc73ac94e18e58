local options = { requests = 5, per = 10 }

local function visit(event)
  event.options = event.options or options
  return run("viewer_request", event)
end

-- How many of a burst come through.
local function burst(count, event)
  local through = 0
  for _ = 1, count do
    if not visit(event).response then through = through + 1 end
  end
  return through
end

test("lets so many through, and no more", function()
  expect(burst(8, { now = 1000 }), 5)
  local r = visit { now = 1004 }
  expect(r.response.status, 429)
  expect(r.response.headers["retry-after"], "6")
  expect(r.access_log.rate_limited, "192.0.2.1")
end)

test("counts each address for itself", function()
  expect(burst(8, { now = 1000, ip = "192.0.2.1" }), 5)
  expect(burst(8, { now = 1000, ip = "192.0.2.2" }), 5)
end)

test("forgets little by little", function()
  expect(burst(8, { now = 1000 }), 5)
  expect(burst(8, { now = 1010 }), 0)      -- the window before still weighs all it has
  expect(burst(8, { now = 1015 }), 3)      -- half of the 5 still weighs: 2.5, 3.5, 4.5 are below 5
  expect(burst(8, { now = 1040 }), 5)      -- all forgotten
end)

test("counts by a header if told to", function()
  local by_key = { requests = 1, per = 10, header = "x-api-key" }
  local function status(key)
    local response = visit({ options = by_key, headers = { ["x-api-key"] = key } }).response
    return response and response.status
  end
  expect(status("a"), nil)
  expect(status("b"), nil)
  expect(status("a"), 429)
  expect(status(nil), nil)
  expect(status(nil), 429)
end)

test("says of a long header what fits into a log, and still tells it from another one", function()
  local by_key = { requests = 1, per = 10, header = "x-api-key" }
  local long = string.rep("k", 2000)
  local function visit_with(key) return visit { options = by_key, headers = { ["x-api-key"] = key } } end
  expect(visit_with(long .. "a").response, nil)
  expect(visit_with(long .. "b").response, nil)
  local again = visit_with(long .. "a")
  expect(again.response.status, 429)
  expect(again.access_log.rate_limited, string.rep("k", 64))
end)

test("refuses options that make no sense", function()
  expect_match(fails("viewer_request", {}).message, "options.requests is a number")
  expect_match(fails("viewer_request", { options = { requests = 1, per = 0 } }).message, "options.per is a number")
end)
