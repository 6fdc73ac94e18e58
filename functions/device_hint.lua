-- device_hint: tells the origin, in one word, what kind of device asks.
--
--   viewer_request = { "shelf/device_hint" }
--
-- The word is mobile, tablet, tv, bot or desktop: few enough for a cache key, where all of User-Agent would give every
-- browser version a copy of its own. What a viewer sends under that name is overwritten.
--
-- Options:
--   header  default "x-device"

-- The first row of which a text is found in User-Agent.
local rows = {
  { "bot", "bot", "crawl", "spider", "slurp", "facebookexternalhit" },
  { "tv", "smart-tv", "smarttv", "googletv", "appletv", "hbbtv", "roku" },
  { "tablet", "ipad", "tablet", "kindle", "silk/", "playbook" },
  { "mobile", "mobi", "iphone", "ipod", "opera mini", "blackberry", "iemobile" },
  { "tablet", "android" },   -- an Android device without "Mobile" is one
}

local function device(agent)
  agent = string.lower(agent)
  for _, row in ipairs(rows) do
    for i = 2, #row do
      if string.find(agent, row[i], 1, true) then return row[1] end
    end
  end
  return "desktop"
end

local function viewer_request(event)
  local headers = event.request.headers
  local header = event.options.header or "x-device"
  if type(header) ~= "string" then error("device_hint: options.header is a header's name", 0) end
  headers[header] = device(headers["user-agent"] or "")
end

return { viewer_request = viewer_request }
