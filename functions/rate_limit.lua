-- rate_limit: so many requests in so much time, for each address.
--
--   viewer_request = { { name = "shelf/rate_limit", options = { requests = 100, per = 60 } } }
--
-- The window slides: what was counted in the one before weighs less with every second. Each worker counts for itself and
-- begins anew after a reload, so with four workers a client whose connections spread may do up to four times as much:
-- this keeps scrapers and broken clients in bounds, and is no billing.
--
-- Options:
--   requests  how many; needed
--   per       in how many seconds, default 60
--   header    count by this request header instead of by address; requests without it count by address. What it says
--             is in the access log of a refusal, its first 64 bytes
--   keys      how many addresses, or values of the header, are counted at a time, default 20000, which takes some 10 MB:
--             a flood of them must not fill the memory. Further ones are not counted
--   status    default 429

local key_bytes_max = 64   -- longer ones are counted by their digest
local windows = {}         -- by the options of the attachment

local function begin(options)
  if type(options.requests) ~= "number" or options.requests < 1 then
    error("rate_limit: options.requests is a number from 1", 0)
  end
  if options.per ~= nil and (type(options.per) ~= "number" or options.per <= 0) then
    error("rate_limit: options.per is a number of seconds above 0", 0)
  end
  if options.keys ~= nil and (type(options.keys) ~= "number" or options.keys < 1) then
    error("rate_limit: options.keys is a number from 1", 0)
  end
  local window = { number = -1, counts = {}, before = {}, size = 0 }
  windows[options] = window
  return window
end

local function turn(window, number)
  if number == window.number then return end
  window.before = number == window.number + 1 and window.counts or {}
  window.counts, window.size, window.number = {}, 0, number
end

local function viewer_request(event)
  local options = event.options
  local window = windows[options] or begin(options)
  local per = options.per or 60
  local now = edge.time.now()
  local place = now / per
  local number = math.floor(place)
  turn(window, number)

  local given = options.header and event.request.headers[options.header]
  local shown = given or event.viewer.ip
  local key = given and " " .. given or shown   -- so that nobody counts against another one's address
  if #key > key_bytes_max then key = edge.crypto.sha256(key) end
  local count = window.counts[key] or 0
  local rate = count + (window.before[key] or 0) * (1 - (place - number))
  if rate < options.requests then
    if count == 0 then
      if window.size >= (options.keys or 20000) then return end
      window.size = window.size + 1
    end
    window.counts[key] = count + 1
    return
  end
  event.log.rate_limited = string.sub(shown, 1, key_bytes_max)
  local wait = math.ceil((number + 1) * per - now)
  return {
    status = options.status or 429,
    headers = { ["content-type"] = "text/plain", ["cache-control"] = "no-store", ["retry-after"] = tostring(wait) },
    body = "too many requests\n",
  }
end

return { viewer_request = viewer_request }
