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
    if weight > 0 then table.insert(settings.names, name) end
    settings.total = settings.total + weight
  end
  if settings.total <= 0 then error("weighted_origin: no origin has a weight above 0", 0) end
  table.sort(settings.names)   -- so that every worker chooses the same for an address
  prepared[options] = settings
  return settings
end

-- A number from 0 to 1 that is always the same for an address.
local function fraction(ip) return string.unpack(">I4", edge.crypto.sha256(ip)) / 0x100000000 end

local function origin_request(event)
  local settings = prepared[event.options] or prepare(event.options)
  local place = (settings.by_viewer and fraction(event.viewer.ip) or math.random()) * settings.total
  local chosen
  for _, name in ipairs(settings.names) do
    chosen = name
    place = place - settings.weights[name]
    if place < 0 then break end
  end
  event.origin = chosen
  event.log.origin_choice = chosen
end

return { origin_request = origin_request }
