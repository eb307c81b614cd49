using System.Text;

namespace Postern.Core.Tables;

/// <summary>
/// <c>pcre:</c> and <c>regexp:</c> — rules <c>/expression/flags result</c>, of which the first that matches wins, and
/// <c>if</c> … <c>endif</c> around rules (pcre_table(5), regexp_table(5)). An expression that cannot be matched, for
/// instance since it takes too long, is reported at each look-up and does not match.
/// </summary>
public sealed class PatternTable : ILookupTable
{
    private const int MostOnStack = 512;
    private const int MaxSubject = 16 << 10; // bytes; more than a line or an address has
    private const int MaxSubjectOfSlow = 1 << 10;

    private readonly PatternRule[] _rules;
    private readonly int[] _targets; // for each condition, where it goes on when the condition does not hold
    private readonly string _where;
    private readonly int _mostEnds; // of the groups of a rule
    private readonly bool _mayTakeLong;

    private PatternTable(string name, string where, List<PatternRule> rules)
    {
        (Name, _where, _rules) = (name, where, [.. rules]);
        _targets = FindTargets(_rules);
        _mayTakeLong = rules.Exists(static rule => rule.MayTakeLong);
        _mostEnds = 2 * rules.Select(static rule => rule.First?.Pattern.GroupCount ?? 0).Append(0).Max();
    }

    /// <inheritdoc />
    public string Name { get; }

    /// <inheritdoc />
    public LookupWait Wait => _mayTakeLong ? LookupWait.Answer : LookupWait.None;

    /// <summary>Reads the rules. A bad one is reported and skipped; the others count.</summary>
    public static ILookupTable? Parse(IPatternDialect dialect, TableSource source, IWarningSink warnings, out string? problem)
    {
        if (!InlineRules.TryOpen(source, dialect.TypeName, warnings, out var lines, out problem))
            return null;

        var rules = new List<PatternRule>();
        var open = new Stack<int>(); // line numbers of the conditions whose endif is yet to come
        var reader = new PatternRule.Reader(dialect, source.Argument, warnings);
        while (lines.Read())
        {
            if (reader.Read(lines.Text, lines.LineNumber, isConditional: open.Count > 0) is not { } rule)
                continue;
            if (rule.Kind == PatternRuleKind.If)
                open.Push(lines.LineNumber);
            else if (rule.Kind == PatternRuleKind.EndIf)
                open.Pop();
            rules.Add(rule);
        }

        var where = $"{dialect.TypeName} map {source.Argument}, line ";
        foreach (var lineNumber in open)
            warnings.Warn($"{where}{lineNumber}: IF has no matching ENDIF");
        return new PatternTable(source.Name, where, rules);
    }

    /// <summary>Lists the rules; a group of an expression is empty in what they answer.</summary>
    public static IEnumerable<TableRule> Rules(IPatternDialect dialect, TableSource source)
    {
        if (!InlineRules.TryOpen(source, dialect.TypeName, DiscardedWarnings.Instance, out var lines, out _))
            yield break;
        var reader = new PatternRule.Reader(dialect, source.Argument, DiscardedWarnings.Instance);
        var mayTakeLong = false;
        while (lines.Read())
        {
            if (reader.Read(lines.Text, lines.LineNumber, isConditional: true) is not { } rule)
                continue;
            mayTakeLong |= rule.MayTakeLong; // of a condition it is the next rule's
            if (rule.Result is not { } result)
                continue;
            yield return new TableRule(lines.LineNumber, lines.Text.ToString(), result.ExpandWithoutGroups()) { MayTakeLong = mayTakeLong };
            mayTakeLong = false;
        }
    }

    /// <inheritdoc />
    public LookupResult Lookup(string key, IWarningSink warnings)
    {
        if (key.Contains('\0'))
            key = ListText.BeforeNul(key).ToString();
        if (key.Length > (_mayTakeLong ? MaxSubjectOfSlow : MaxSubject))
        {
            warnings.Warn($"{Name}: a text of {key.Length} bytes is too long for {(_mayTakeLong ? "expressions with back references" : "expressions")}");
            return LookupResult.Error;
        }

        Span<byte> subject = key.Length < MostOnStack ? stackalloc byte[MostOnStack] : new byte[key.Length + 1];
        var length = Encoding.Latin1.GetBytes(key, subject);
        subject[length] = 0;
        subject = subject[..length];
        Span<int> ends = _mostEnds <= MostOnStack ? stackalloc int[_mostEnds] : new int[_mostEnds];

        for (var at = 0; at < _rules.Length; at++)
        {
            var rule = _rules[at];
            if (rule.Kind == PatternRuleKind.EndIf)
                continue;
            var holds = Holds(rule.First!.Value, rule, subject, ends, warnings)
                && (rule.Second is not { } second || Holds(second, rule, subject, ends: [], warnings));
            if (rule.Kind == PatternRuleKind.If && !holds)
                at = _targets[at];
            else if (rule.Kind == PatternRuleKind.Result && holds)
                return LookupResult.Found(rule.Result!.Expand(key, ends));
        }

        return LookupResult.NotFound;
    }

    /// <param name="ends">Room for the groups; empty when they are of no interest.</param>
    private bool Holds(PatternTest test, PatternRule rule, ReadOnlySpan<byte> subject, Span<int> ends, IWarningSink warnings)
    {
        var isMatch = test.Pattern.IsMatch(subject, ends[..Math.Min(ends.Length, 2 * test.Pattern.GroupCount)], out var problem);
        if (problem is null)
            return isMatch != test.IsNegated;
        warnings.Warn($"{_where}{rule.LineNumber}: {problem}");
        return false;
    }

    private static int[] FindTargets(PatternRule[] rules)
    {
        var targets = new int[rules.Length];
        var open = new Stack<int>();
        for (var i = 0; i < rules.Length; i++)
        {
            targets[i] = rules.Length; // of an if without endif
            if (rules[i].Kind == PatternRuleKind.If)
                open.Push(i);
            else if (rules[i].Kind == PatternRuleKind.EndIf)
                targets[open.Pop()] = i;
        }

        return targets;
    }
}
