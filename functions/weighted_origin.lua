-- weighted_origin: shares requests out among origins, for a canary or a move to new machines.
--
--   origin_request = { { name = "shelf/weighted_origin", options = { origins = { blue = 95, green = 5 } } } }
--
-- Options:
--   origins  from an origin's name, as in the configuration, to its weight; needed
--   by       "request" (default): every request is drawn anew; "viewer": an address always gets the same origin

local prepared = {}   -- by the options of the attachment

local function prepare(options)
  if type(options.origins) ~= "table" then error("weighted_origin: options.origins gives each origin's weight", 0) end
  local settings = { names = {}, weights = options.origins, total = 0, by_viewer = options.by == "viewer" }
  if options.by ~= nil and options.by ~= "viewer" and options.by ~= "request" then
    error("weighted_origin: options.by is \"request\" or \"viewer\"", 0)
  end
  for name, weight in pairs(options.origins) do
    if type(weight) ~= "number" or weight < 0 then
      error("weighted_origin: options.origins[\"" .. name .. "\"] is a weight, a number from 0", 0)
    end
    table.insert(settings.names, name)
    settings.total = settings.total + weight
  end
  if settings.total <= 0 then error("weighted_origin: no origin has a weight above 0", 0) end
  table.sort(settings.names)   -- so that every worker draws the same
  prepared[options] = settings
  return settings
end

-- A number from 0 to 1 that is always the same for the same text.
local function fraction(text)
  local hash = 2166136261
  for i = 1, #text do hash = ((hash ~ string.byte(text, i)) * 16777619) & 0xffffffff end
  hash = ((hash ~ (hash >> 15)) * 0x2c1b3c6d) & 0xffffffff
  hash = ((hash ~ (hash >> 12)) * 0x297a2d39) & 0xffffffff
  return (hash ~ (hash >> 15)) / 0x100000000
end

local function origin_request(event)
  local settings = prepared[event.options] or prepare(event.options)
  local place = fraction(settings.by_viewer and event.viewer.ip or event.id) * settings.total
  for _, name in ipairs(settings.names) do
    place = place - settings.weights[name]
    if place < 0 then
      event.origin = name
      event.log.origin_choice = name
      return
    end
  end
end

return { origin_request = origin_request }
