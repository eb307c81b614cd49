using System.Text;
using Postern.Core.Screening;

namespace Postern.Fuzz.Targets;

/// <summary>
/// A footer template, the input, on a reply of two lines: what comes out is a reply, or nothing with a reason.
/// </summary>
internal static class RejectFooterTarget
{
    private const string Reply = "550-5.7.1 first\r\n550 5.7.1 last\r\n";

    public static readonly FuzzTarget Target = new(
        "reject-footer", Run, MaxInput: 4096, MaxAllocated: (262_144, 20_000),
        ["\\c", "\\n", "$$", "$a", "${a?", "${a:", "}", "$(a)", "${{$a} == {b} ? {c} : {d}}", "<level", "{", "(", "$", "$empty", "\\n\\n"]);

    private static void Run(byte[] input)
    {
        var template = Encoding.Latin1.GetString(input);
        if (template.AsSpan().ContainsAny('\r', '\n'))
            return; // main.cf has no such value
        var sink = new CountingSink(longest: 10_000);

        var result = RejectFooter.Append(Reply, template, static name => name switch { "a" => "192.0.2.1", "empty" => "", _ => null }, sink);

        if (result is null)
        {
            FuzzFailure.Unless(sink.Count == 1, $"{sink.Count} warnings for one mistake");
            return;
        }

        var lines = result.Split("\r\n");
        FuzzFailure.Unless(lines[^1].Length == 0 && lines.Length >= 3, "a reply ends in CR LF and keeps its lines");
        for (var i = 0; i < lines.Length - 1; i++)
            FuzzFailure.Unless(lines[i].StartsWith(i == lines.Length - 2 ? "550 5.7.1 " : "550-5.7.1 ", StringComparison.Ordinal), $"line {i} is '{lines[i]}'");
    }
}
