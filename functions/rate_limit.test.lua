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
  local r = visit { now = 1004.5 }
  expect(r.response.status, 429)
  expect(r.response.headers["retry-after"], "6")
  expect(r.access_log.rate_limited, "192.0.2.1")
  expect(r.response, {
    status = 429, body = "too many requests\n",
    headers = { ["content-type"] = "text/plain", ["cache-control"] = "no-store", ["retry-after"] = "6" },
  })
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
  expect(visit({ options = by_key, ip = "192.0.2.9", headers = { ["x-api-key"] = "192.0.2.8" } }).response, nil)
  expect(visit({ options = by_key, ip = "192.0.2.8" }).response, nil)
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

test("counts for a minute, if not told otherwise", function()
  local by_minute = { requests = 1, status = 503 }
  expect(burst(2, { now = 6000, options = by_minute }), 1)
  local r = visit { now = 6001, options = by_minute }
  expect({ r.response.status, r.response.headers["retry-after"] }, { 503, "59" })
end)

test("counts no more addresses at a time than it may", function()
  local few = { requests = 1, per = 10, keys = 3 }
  for _, now in ipairs { 1000, 1030 } do
    for last = 1, 5 do
      expect(burst(2, { now = now, ip = "192.0.2." .. last, options = few }), last <= 3 and 1 or 2)
    end
  end
end)

test("refuses options that make no sense", function()
  expect_match(fails("viewer_request", {}).message, "options.requests is a number")
  expect_match(fails("viewer_request", { options = { requests = 1, per = 0 } }).message, "options.per is a number")
  expect_match(fails("viewer_request", { options = { requests = 0.5 } }).message, "options.requests is a number")
  expect_match(fails("viewer_request", { options = { requests = 1, keys = 0 } }).message, "options.keys is a number")
  expect(burst(2, { options = { requests = 1, per = 0.5 } }), 1)
end)
