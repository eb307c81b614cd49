using System.Text;
using Postern.Core;
using Postern.Core.Tables;

namespace Postern.Fuzz.Targets;

/// <summary>
/// cidr tables: any text is read, and the compiled table answers as its rules do one after the other. The rules' own
/// patterns, and the addresses around them, are looked up.
/// </summary>
internal static class CidrTableTarget
{
    private const int MostKeys = 40;

    public static readonly FuzzTarget Target = new(
        "cidr-table", Run, MaxInput: 4096, MaxAllocated: (2_000_000, 40_000),
        ["192.0.2.0/24", "192.0.2.7", "0.0.0.0/0", "::/0", "2001:db8::/32", "::ffff:192.0.2.7", "10.0.0.0/8", "if ", "if !", "endif", "!", "! !", "\n",
            "\n ", "# ", " permit\n", " reject\n", "[::1]", "[192.0.2.0/24]", "[192.0.2.0]/24", "/", "/33", "/128", "/4294967328", "999", "\0", "\t", "\r", "{", "}", "127.0.0.1/32 x"]);

    private static void Run(byte[] input)
    {
        var text = Encoding.Latin1.GetString(input);
        var sink = new CountingSink(2 * text.Length + 400);
        CheckInline(text, sink);
        if (Parse(text, sink) is not { } table)
            throw new FuzzFailure("a file is always a table");

        var model = Model(text);
        foreach (var key in Keys(text))
        {
            var expected = Answer(model, key);
            var actual = table.Lookup(key, sink);
            FuzzFailure.Unless(actual.Status is not LookupStatus.Error, "a table in memory always answers");
            FuzzFailure.Unless(
                (actual.Status is LookupStatus.Found ? actual.Value : null) == expected, $"{key}: rule by rule '{expected}', compiled '{actual.Value}'");
        }
    }

    // {{rule} {rule}} as the argument: anything goes, in or out.
    private static void CheckInline(string text, CountingSink sink)
    {
        if (!text.StartsWith('{'))
            return;
        var table = CidrTable.Parse(new TableSource("cidr:" + text, text, null, false, DuplicateKeys.Refused), sink, out var problem);
        FuzzFailure.Unless(table is null == problem is not null, "a table or a reason, not both");
    }

    private static ILookupTable? Parse(string text, IWarningSink sink) =>
        CidrTable.Parse(new TableSource("cidr:/t", "/t", new TextFileReader(new TextFile(text, new FileStamp(1, text.Length, 1))), false, DuplicateKeys.Refused), sink, out _);

    /// <summary>Each good line as a step: a one-line table of its own, or the border of a block.</summary>
    private static List<(string Kind, ILookupTable? Table)> Model(string text)
    {
        var steps = new List<(string, ILookupTable?)>();
        var open = 0;
        foreach (var line in LogicalLines.Read(text, "/t", new CountingSink(int.MaxValue)))
        {
            var nul = line.Text.IndexOf('\0');
            var rule = (nul < 0 ? line.Text : line.Text[..nul]).Trim(LogicalLines.WhiteSpace.ToCharArray());
            var isIf = IsWord(rule, "if");
            if (IsWord(rule, "endif"))
            {
                if (rule.Length == "endif".Length && open > 0)
                {
                    open--;
                    steps.Add(("endif", null));
                }

                continue;
            }

            // "if pattern" is looked up like a rule "!!pattern yes", which is no comment whatever the pattern; with white
            // space inside, the pattern is none.
            var pattern = isIf ? rule[2..].TrimStart(LogicalLines.WhiteSpace.ToCharArray()) : rule;
            if (isIf && Bare(pattern).AsSpan().ContainsAny(LogicalLines.WhiteSpace))
                continue;
            var single = isIf ? "!!" + pattern + " yes" : pattern;
            var warnings = new CountingSink(int.MaxValue);
            var table = Parse(single, warnings);
            if (warnings.Count > 0)
                continue;
            open += isIf ? 1 : 0;
            steps.Add((isIf ? "if" : "rule", table));
        }

        return steps;
    }

    private static string? Answer(List<(string Kind, ILookupTable? Table)> steps, string key)
    {
        var sink = new CountingSink(int.MaxValue);
        var skipping = 0; // blocks entered since the condition that did not hold
        foreach (var (kind, table) in steps)
        {
            if (skipping > 0)
            {
                skipping += kind == "if" ? 1 : kind == "endif" ? -1 : 0;
                continue;
            }

            if (kind == "endif")
                continue;
            var result = table!.Lookup(key, sink);
            if (kind == "if" && result.Status is not LookupStatus.Found)
                skipping = 1;
            else if (kind == "rule" && result.Status is LookupStatus.Found)
                return result.Value;
        }

        return null;
    }

    private static IEnumerable<string> Keys(string text)
    {
        yield return "192.0.2.7";
        yield return "::ffff:192.0.2.7";
        yield return "2001:db8::1";
        yield return "not an address";
        var count = 0;
        foreach (var word in text.Split([' ', '\t', '\n', '!', '[', ']', '/'], StringSplitOptions.RemoveEmptyEntries))
        {
            if (!IpAddress.TryParse(word, out var address) || ++count > MostKeys)
                continue;
            yield return word;
            yield return Neighbour(address, 1);
            yield return Neighbour(address, -1);
        }
    }

    private static string Neighbour(IpAddress address, int step)
    {
        Span<byte> bytes = stackalloc byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(bytes, address.High);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], address.IsIPv4
            ? (address.Low & ~0xffffffffUL) | (uint)(address.Low + (ulong)step)
            : address.Low + (ulong)step);
        return IpAddress.FromBytes(bytes).ToString();
    }

    private static string Bare(string pattern) => pattern.TrimStart([.. LogicalLines.WhiteSpace, '!']);

    private static bool IsWord(string rule, string word) =>
        rule.StartsWith(word, StringComparison.OrdinalIgnoreCase) && (rule.Length == word.Length || !char.IsAsciiLetterOrDigit(rule[word.Length]));
}
