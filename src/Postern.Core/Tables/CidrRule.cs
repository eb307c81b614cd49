using System.Diagnostics.CodeAnalysis;

namespace Postern.Core.Tables;

/// <summary>What a line of a cidr table is.</summary>
internal enum CidrRuleKind
{
    /// <summary><c>pattern result</c>.</summary>
    Result,

    /// <summary><c>if pattern</c>.</summary>
    If,

    /// <summary><c>endif</c>.</summary>
    EndIf,
}

/// <summary>One line of a cidr table.</summary>
internal readonly ref struct CidrRule
{
    /// <summary>What the line is.</summary>
    public CidrRuleKind Kind { get; private init; }

    /// <summary>Meaningless for an endif.</summary>
    public IpNetwork Network { get; private init; }

    /// <summary>Whether the pattern stood behind an odd number of <c>!</c>.</summary>
    public bool IsNegated { get; private init; }

    /// <summary>A part of the line; empty for if and endif.</summary>
    public ReadOnlySpan<char> Result { get; private init; }

    /// <param name="line">A logical line.</param>
    /// <param name="problem">On failure, Postfix's words for why the line is skipped.</param>
    public static bool TryParse(ReadOnlySpan<char> line, out CidrRule rule, [NotNullWhen(false)] out string? problem)
    {
        rule = default;
        line = ListText.TrimSpace(ListText.BeforeNul(line));
        if (StartsWithWord(line, "endif"))
        {
            problem = line.Length == "endif".Length ? null : "garbage after ENDIF";
            rule = new CidrRule { Kind = CidrRuleKind.EndIf };
            return problem is null;
        }

        var kind = StartsWithWord(line, "if") ? CidrRuleKind.If : CidrRuleKind.Result;
        var pattern = kind == CidrRuleKind.If ? line[2..] : line;
        var isNegated = false;
        while (true)
        {
            pattern = pattern.TrimStart(LogicalLines.WhiteSpace);
            if (!pattern.StartsWith('!'))
                break;
            pattern = pattern[1..];
            isNegated = !isNegated;
        }

        ReadOnlySpan<char> result = [];
        if (kind == CidrRuleKind.Result && pattern.IndexOfAny(LogicalLines.WhiteSpace) is >= 0 and var end)
        {
            result = ListText.TrimSpace(pattern[end..]);
            pattern = pattern[..end];
        }

        if (pattern.IsEmpty)
        {
            problem = "no address pattern";
            return false;
        }

        if (!IpNetwork.TryParse(pattern, out var network, out problem))
            return false;
        if (kind == CidrRuleKind.Result && result.IsEmpty)
        {
            problem = "no lookup result";
            return false;
        }

        rule = new CidrRule { Kind = kind, Network = network, IsNegated = isNegated, Result = result };
        return true;
    }

    private static bool StartsWithWord(ReadOnlySpan<char> line, string word) =>
        line.StartsWith(word, StringComparison.OrdinalIgnoreCase)
        && (line.Length == word.Length || !char.IsAsciiLetterOrDigit(line[word.Length]));
}
