// The random cases of `StringLibraryTests`, in Lua: one half writes expressions, the other says what came of one.

enum StringLibraryCases {
    /// A function from a seed to the text of an expression. Nothing in it loops for long in the real library.
    static let generator = #"""
        local state
        local function bits() state = state * 6364136223846793005 + 1442695040888963407 return state >> 33 end
        local function below(n) return bits() % n end
        local function pick(list) return list[below(#list) + 1] end
        local quote = function(s) return (string.format('%q', s):gsub('\n', 'n')) end
        local letters = {'a','a','a','b','b','c','1','2','_',' ','(',')','x','-',']','[','%','.','^','\0',
              '\n','\xff','A','"','\\','\xe9'}
        local function text(most)
          local s = ''
          for i = 1, below(most + 1) do s = s .. pick(letters) end
          if below(6) == 0 then s = s .. s end
          return s
        end
        local items = {'a','b','a','b','c','.','.','%a','%d','%s','%w','%p','%x','%c','%g','%l','%u','%D','%A','%S',
            '%W',
              '%z','%-','%.','%%','[ab]','[^a]','[a-c]','[%a_]','[]]','[^]]','[a-]','[-a]','[%]x]','[^%s]','[a-%%]',
                  '[%a-z]',
              '[\0-\x20]','[\x80-\xff]','[^%W_]','%b()','%bxx','%bab','%f[a]','%f[%w]','%f[^%w]','%f[\0]','-',']','x',
              '_','\0',' ','1','^','$'}
        local odd = {'%1','%2','%3','%9','%0','%f','%f[','%b','%b(','%','[','[^','[]','[a','[a-','[%','(',')','()','^',
            '$',
              '(()','())','%f%a','*','+','?','[[:alpha:]]','[%','[^]','[z-a]','[+--]','[--%','[%a'}
        local repeats
        local function pattern(depth)
          local s = ''
          for i = 1, below(4) + (depth == 0 and 1 or 0) do
            local k = below(20)
            if k == 0 and depth < 3 then s = s .. '()'
            elseif k < 4 and depth < 3 then s = s .. '(' .. pattern(depth + 1) .. ')'
            elseif k == 4 then s = s .. pick(odd)
            else
              s = s .. pick(items)
              if repeats < 4 and below(5) < 2 then repeats = repeats + 1 s = s .. pick {'*','+','-','?'} end
            end
          end
          return s
        end
        local long = {"('a?'):rep(%d)", "('()'):rep(%d - 170)", "('a*'):rep(%d)", "('a-'):rep(%d)",
            "('(a)'):rep(%d - 170)",
              "('('):rep(%d - 170)", "('a'):rep(%d)", "('(a?)'):rep(32) .. ('b?'):rep(%d - 96)"}
        local function patterns()
          if below(60) == 0 then return string.format(pick(long), 192 + below(16)) end
          repeats = 0
          local s = pattern(0)
          if below(10) == 0 then s = '^' .. s end
          if below(10) == 0 then s = s .. '$' end
          if below(12) == 0 then s = text(4) end
          return quote(s)
        end
        local numbers = {'0','1','2','3','-1','-2','5','10','-7','100','0.5','-0.0','1.0','2.0','3.5','-3.7','1e15',
              '2^53','1e300','-1e308','5e-324','math.huge','-math.huge','(0/0)','math.maxinteger','math.mininteger',
                  '2^31',
              '2^63','255','256','65','0x7fffffff','1/3','123456.789','"10"','"0x1F"','" 1e1 "','" 5 "'}
        local strings = {'""','"a"','"abc"','"a\\0b"','"10"','"0x"','" "','"\\n1\\r\\t\\0\\0001\\"\\\\"','"\\127\\200"',
              "('x'):rep(99)","('x'):rep(100)","('x'):rep(120)", "'1e'", "'inf'", "'  12  '", "'1\\0'"}
        local others = {'nil','true','false','{}','print_','function() end',
            'setmetatable({},{__tostring=function() return "T" end})',
              'setmetatable({},{__tostring=function() return 1 end})',
                  'setmetatable({},{__tostring=function() return {} end})',
              'setmetatable({},{__name="My"})',
                  'setmetatable({},{__add=function(a,b) return "sum" end,__unm=function() return 1 end})'}
        local function any()
          local k = below(8)
          if k < 4 then return pick(numbers) elseif k < 7 then return pick(strings) else return pick(others) end
        end
        local function mostly(f) if below(25) == 0 then return any() end return f() end
        local function number() return pick(numbers) end
        local function some() return pick(strings) end
        local function small() return mostly(function() return tostring(below(14) - 5) end) end
        local function subject()
          if below(60) == 0 then return "('a'):rep(" .. 150 + below(60) .. ')' end
          return quote(text(12))
        end
        local function call(name, ...)
          local a = {...}
          while #a > 0 and below(14) == 0 do a[#a] = nil end
          if below(40) == 0 then a[#a + 1] = any() end
          return name .. '(' .. table.concat(a, ',') .. ')'
        end
        local function template()
          local s = ''
          for i = 1, below(5) do s = s .. pick {'%0','%1','%2','%3','%%','a','b','-','\0','<','>','%1'} end
          if below(12) == 0 then s = s .. pick {'%','%a','%9','% '} end
          return quote(s)
        end
        local function replacement()
          local k = below(12)
          if k < 5 then return template() end
          return pick {'function(...) return select("#",...)..":"..tostring(...) end',
              'function(a) return a and a~="a" and "<"..a..">" end',
              '{a="X",b=1,ab=false,["1"]=2.5,[1]="one"}','function() end','{}','function() return {} end',
                  'function(a,b) return b end',
              'setmetatable({},{__index=function(_,k) return k==1 and "q" or tostring(k):upper() end})','7','2.5','nil',
              'function(a) error(a) end'}
        end
        local letter = {'d','i','d','u','o','x','X','c','e','E','f','g','G','a','A','s','s','q','y','F','%','n','l',
            '\0',''}
        local function specification()
          local s = '%'
          for i = 1, below(3) do s = s .. pick {'-','+',' ','#','0'} end
          if below(3) == 0 then s = s .. pick {'1','5','12','20','99','100','007','130'} end
          if below(3) == 0 then s = s .. '.' .. pick {'','0','1','3','14','20','99','100','5.5'} end
          if below(100) == 0 then s = s .. ('0'):rep(8 + below(16)) end
          return s .. pick(letter)
        end
        local function format()
          local s, a = '', {}
          for i = 1, 1 + below(3) do
            if below(3) == 0 then s = s .. text(3):gsub('%%', '%%%%') end
            if below(3) == 0 then s = s .. '%' .. pick(letter) else s = s .. specification() end
            local k = s:sub(-1)
            if k == 's' then s = s .. '|' end
            a[#a + 1] = (k == 's' or k == 'q') and mostly(below(2) == 0 and some or any) or mostly(number)
          end
          return call('string.format', quote(s), table.unpack(a))
        end
        local packs = {'b','B','h','H','i','I','l','L','j','J','T','f','d','n','s','z','x','X','<','>','=','!','i3',
            'I16','s1','s2',
              'c3','c0','!4','!8','Xi4','Xd','i17','c','!17','!3',' ','i0','q','s9','i8','c5'}
        local function packing()
          local s = ''
          for i = 1, 1 + below(4) do s = s .. pick(packs) end
          return quote(s)
        end
        local cases = {
          function() return call('string.find', mostly(subject), mostly(patterns), small()) end,
          function() return call('string.find', mostly(subject), mostly(patterns)) end,
          function() return call('string.match', mostly(subject), mostly(patterns), small()) end,
          function() return call('string.match', mostly(subject), mostly(patterns)) end,
          function() return call('string.find', mostly(subject), quote(text(3)), small(), 'true') end,
          function() return call('string.find', "'aab'..('ab'):rep(20)..('aab'):rep(9)", "('" .. pick {'aba','a','ab',
              'aab','b'}
              .. "'):rep(" .. below(20) .. ')', small(), 'true') end,
          function() return call('all', mostly(subject), mostly(patterns)) end,
          function() return call('all', mostly(subject), mostly(patterns), small()) end,
          function() return call('string.gsub', mostly(subject), mostly(patterns), mostly(replacement)) end,
          function() return call('string.gsub', mostly(subject), mostly(patterns), mostly(replacement)) end,
          function() return call('string.gsub', mostly(subject), mostly(patterns), mostly(replacement), small()) end,
          format, format, format,
          function() return call('string.byte', mostly(subject), small(), small()) end,
          function() return call('string.byte', mostly(subject), small()) end,
          function() return call('string.byte', mostly(subject), number(), number()) end,
          function() return call('string.char', number(), small(), tostring(below(256))) end,
          function() return call('string.char', tostring(below(256)), tostring(below(256))) end,
          function() return call('string.len', mostly(subject)) end,
          function() return call(pick {'string.lower','string.upper','string.reverse'}, mostly(subject)) end,
          function() return call('string.sub', mostly(subject), small(), small()) end,
          function() return call('string.sub', mostly(subject), number(), number()) end,
          function() return call('string.rep', mostly(subject), tostring(below(9) - 2), mostly(subject)) end,
          function() return call('string.rep', mostly(subject), pick {'nil','{}','"2"','2.0','2.5','"x"','3'}) end,
          function() return 'string.rep("' .. pick {'','x','xxxx'} .. '",' .. pick {'1<<62','1<<63','(1<<63)-1','1<<61',
              '-1'} ..
              ',"' .. pick {'xxxxxxxx','xxxx'} .. '")' end,
          function() return call('string.pack', packing(), any(), any(), any()) end,
          function() return call('string.pack', packing(), number(), number(), some()) end,
          function() return call('string.unpack', packing(), quote(text(20)), small()) end,
          function() return call('string.unpack', packing(), "('\\1\\0\\2'):rep(20)") end,
          function() return call('string.packsize', packing()) end,
          function() return '(' .. some() .. ')' .. pick {'+','-','*','/','%','//','^'} .. '(' .. any() .. ')' end,
          function() return '(' .. any() .. ')' .. pick {'+','-','*','/','%','//','^'} .. '(' .. some() .. ')' end,
          function() return '-(' .. some() .. ')' end,
          function() return '(' .. quote(text(4)) .. '):' .. pick {'len','upper','find',
              'nothing'} .. '(' .. small() .. ')' end,
        }
        return function(seed)
          state = seed * 0x9E3779B97F4A7C15
          for i = 1, 3 do bits() end
          return pick(cases)()
        end
        """#

    /// A function from the text of an expression to that of its results, or of its error.
    static let observer = #"""
        local gsub, pcall, type, select, tostring, load, mathtype = string.gsub, pcall, type, select, tostring, load, math.type
        function all(...)
          local out = {}
          local n = 0
          local f = string.gmatch(...)
          while n < 40 do
            local t = table.pack(f())
            if t.n == 0 or t[1] == nil then break end
            n = n + 1
            for i = 1, t.n do out[#out + 1] = tostring(t[i]) .. (mathtype(t[i]) or '') end
            out[#out + 1] = ';'
          end
          return table.concat(out, ','), f()
        end
        local function show(v)
          local kind = type(v)
          if kind == 'number' then return (v ~= v and 'nan' or tostring(v)) end
          if kind == 'string' then return '"' .. gsub(v, ': 0x%x+', '') .. '"' end
          if kind == 'nil' or kind == 'boolean' then return tostring(v) end
          return kind
        end
        local function gather(...)
          local out = ''
          for i = 1, select('#', ...) do out = out .. show((select(i, ...))) .. ' | ' end
          return out
        end
        return function(text)
          local f, m = load('return ' .. text, '=case', 't', G)
          if not f then return 'syntax ' .. m .. text end
          return gather(pcall(f))
        end
        """#
}
