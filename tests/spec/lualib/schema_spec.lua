local schema = require("voice.schema")

describe("schema", function()
   local booking = schema.object({
      name = schema.string({ min = 2, description = "who comes" }),
      people = schema.integer({ min = 1, max = 20 }),
      window = schema.optional(schema.boolean()),
      area = schema.enum({ "inside", "terrace" }),
      dishes = schema.optional(schema.array(schema.string(), { max = 3 })),
   })

   it("describes itself as JSON Schema", function()
      local out = schema.describe(booking)
      assert.equal("object", out.type)
      assert.is_false(out.additionalProperties)
      assert.same({ "area", "name", "people" }, { table.unpack(out.required) })
      assert.same({ "inside", "terrace" }, { table.unpack(out.properties.area.enum) })
      assert.equal("who comes", out.properties.name.description)
      assert.equal(20, out.properties.people.maximum)
   end)

   it("takes what fits, and what nearly does", function()
      local ok =
         schema.check(booking, { name = "Ada", people = "4", area = "terrace", window = "true" })
      assert.same({ name = "Ada", people = 4, area = "terrace", window = true }, ok)
   end)

   local refused = {
      { { people = 4, area = "inside" }, "'name' is missing" },
      { { name = "A", people = 4, area = "inside" }, "'name' must have at least 2 characters" },
      { { name = "Ada", people = 40, area = "inside" }, "'people' must be between 1 and 20" },
      { { name = "Ada", people = 4.5, area = "inside" }, "'people' must be a whole number" },
      { { name = "Ada", people = 4, area = "roof" }, "'area' must be one of inside, terrace" },
      { { name = "Ada", people = 4, area = "inside", x = 1 }, "'x' is not known" },
      {
         { name = "Ada", people = 4, area = "inside", dishes = { "a", 2 } },
         "'dishes[2]' must be text",
      },
      { "text", "must be an object" },
   }
   for _, case in ipairs(refused) do
      it(("refuses with %q"):format(case[2]), function()
         local ok, why = schema.check(booking, case[1])
         assert.is_nil(ok)
         assert.equal(case[2], why)
      end)
   end
end)
