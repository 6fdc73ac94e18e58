// What a test says about what it sees, in the language of the tests. Every refusal names the line that asked.

enum FunctionTestPrelude {
    static let text = #"""
        local function show(value, inner)
          if type(value) == "string" then return string.format("%q", value) end
          if type(value) ~= "table" then return tostring(value) end
          if inner then return "{…}" end
          local names = {}
          for name in pairs(value) do names[#names + 1] = name end
          table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
          local parts = {}
          for i, name in ipairs(names) do
            local key = type(name) == "string" and name or "[" .. tostring(name) .. "]"
            parts[i] = key .. " = " .. show(value[name], #names > 12)
          end
          return "{ " .. table.concat(parts, ", ") .. " }"
        end

        -- The first place where two values differ: its name, and the values there.
        local function difference(got, wanted, path)
          if type(got) ~= "table" or type(wanted) ~= "table" then
            if got ~= wanted then return path, got, wanted end
            return nil
          end
          local names, seen = {}, {}
          for _, side in ipairs { got, wanted } do
            for name in pairs(side) do
              if not seen[name] then
                seen[name] = true
                names[#names + 1] = name
              end
            end
          end
          table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
          for _, name in ipairs(names) do
            local step = type(name) == "string" and "." .. name or "[" .. tostring(name) .. "]"
            local place, a, b = difference(got[name], wanted[name], path .. step)
            if place then return place, a, b end
          end
        end

        function expect(...)
          local count, got, wanted = select("#", ...), ...
          if count == 0 then error("expect takes what was got, and what was wanted", 2) end
          if count == 1 then
            if not got then error("something true was wanted, not " .. tostring(got), 2) end
            return
          end
          local place, a, b = difference(got, wanted, "")
          if place then
            local at = place == "" and "these differ" or "these differ at " .. place
            error(at .. "\n  got     " .. show(a) .. "\n  wanted  " .. show(b), 2)
          end
        end

        function expect_match(text, pattern)
          if type(text) ~= "string" or not string.find(text, pattern) then
            error("no match\n  got      " .. show(text) .. "\n  pattern  " .. show(pattern), 2)
          end
        end

        -- The metatable of headers: their names are the same in any case.
        return { __index = function(headers, name) return rawget(headers, string.lower(name)) end }
        """#
}
