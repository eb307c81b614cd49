using System.Diagnostics.CodeAnalysis;
using Postern.Core.Versions;

namespace Postern.Core.Config;

/// <summary>
/// Evaluates parameters one after the other, as a daemon of Postfix does at its start: an absent one gets its default
/// text, the text is expanded, converted and checked. What is wrong goes to the problems, and the default stands in, so
/// that one run finds all mistakes.
/// </summary>
internal sealed class ParameterValues
{
    private readonly Dictionary<string, string> _texts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _evaluated = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _numbers = new(StringComparer.Ordinal);
    private readonly IReadOnlyDictionary<string, MainCfEntry> _entries;
    private readonly Func<string, ParameterValues, string?> _computedDefault;
    private readonly ProblemList _problems;
    private readonly MacroExpander _expander;
    private readonly PostfixVersion _postfix;
    private bool _isLevelChecked;

    /// <param name="entries">main.cf with the overrides of the service.</param>
    /// <param name="defaults">Finds defaults that depend on the host, its Postfix or master.cf.</param>
    public ParameterValues(IReadOnlyDictionary<string, MainCfEntry> entries, HostDefaults defaults, ProblemList problems)
        : this(entries, defaults.Find, defaults.Postfix.Version, problems)
    {
    }

    /// <param name="computedDefault">Defaults by name; null: the row's.</param>
    /// <param name="postfix">Whose syntax it is.</param>
    public ParameterValues(
        IReadOnlyDictionary<string, MainCfEntry> entries,
        Func<string, ParameterValues, string?> computedDefault,
        PostfixVersion postfix,
        ProblemList problems)
    {
        (_entries, _computedDefault, _postfix, _problems) = (entries, computedDefault, postfix, problems);
        _expander = new MacroExpander(_texts.GetValueOrDefault, CompatibilityLevel.Comparisons, MacroFunctions.In(postfix));
        foreach (var entry in entries.Values)
            _texts[entry.Name] = entry.Value;
    }

    /// <summary>Sets what the daemon says of itself: <c>service_name</c> and the like.</summary>
    public void Define(string name, string value) => _texts[name] = value;

    public void Evaluate(IReadOnlyList<Parameter> rows)
    {
        if (!_isLevelChecked)
            CheckCompatibilityLevel();
        foreach (var row in rows)
        {
            var text = _texts.TryGetValue(row.Name, out var set) ? set : Default(row);
            if (TryEvaluate(row, text, out var problem, out var remedy))
                continue;
            _problems.Error(OriginOf(_expander.FailedName ?? row.Name) ?? OriginOf(row.Name), problem, remedy);
            if (!TryEvaluate(row, Default(row), out _, out _))
                (_evaluated[row.Name], _numbers[row.Name]) = ("", row.Minimum);
        }
    }

    public string Text(string name) => _evaluated[name];

    public int Integer(string name) => (int)_numbers[name];

    public long Long(string name) => _numbers[name];

    public bool YesNo(string name) => _numbers[name] != 0;

    public TimeSpan Time(string name) => TimeSpan.FromSeconds(_numbers[name]);

    /// <summary>
    /// The two values of a time that depends on <c>stress</c>, which is empty from then on, whatever main.cf says.
    /// </summary>
    public (TimeSpan Calm, TimeSpan Stressed) TimeByStress(string name)
    {
        var row = Parameters.Find(name)!;
        _texts["stress"] = "yes";
        Evaluate([row]);
        var stressed = Time(name);
        _texts["stress"] = "";
        Evaluate([row]);
        return (Time(name), stressed);
    }

    /// <summary>The text of a raw parameter; one that is <c>$name</c> and nothing else stands for that name's text.</summary>
    public string RawText(string name)
    {
        var text = _evaluated[name];
        if (text is ['$', '{', .., '}'] && _postfix.Has(PostfixDifferences.RawNameInBraces))
            return _texts.GetValueOrDefault(text[2..^1], text);
        return text.StartsWith('$') ? _texts.GetValueOrDefault(text[1..], text) : text;
    }

    /// <summary>Whether main.cf, postern.cf or an override has the name.</summary>
    public bool IsSet(string name) => _entries.ContainsKey(name);

    /// <summary>Where the value comes from; for a default that refers to another parameter, where that one does.</summary>
    /// <returns>Null: built-in defaults only.</returns>
    public ConfigOrigin? OriginOf(string name)
    {
        for (var hops = 0; hops < 5; hops++)
        {
            if (_entries.TryGetValue(name, out var entry))
                return entry.Origin;
            var reference = (Parameters.Find(name)?.Default ?? "").AsSpan();
            reference = reference[(reference.IndexOf('$') + 1)..].TrimStart('{');
            var end = reference.IndexOfAnyExcept("abcdefghijklmnopqrstuvwxyz0123456789_");
            name = (end < 0 ? reference : reference[..end]).ToString();
        }

        return null;
    }

    // Checked first and alone: other defaults compare it, and would each complain.
    private void CheckCompatibilityLevel()
    {
        const string Name = "compatibility_level";
        _isLevelChecked = true;
        Evaluate([Parameters.Find(Name)!]);
        if (CompatibilityLevel.TryParse(Text(Name), out _))
            return;
        _problems.Error(OriginOf(Name), CompatibilityLevel.Malformed(Text(Name)), "write a release of Postfix, such as 3.6");
        _texts[Name] = Parameters.Find(Name)!.Default;
    }

    private string Default(Parameter row)
    {
        // The default is entered before it is expanded: a later parameter that refers to this one gets its text.
        var text = _computedDefault(row.Name, this) ?? row.Default;
        _texts[row.Name] = text;
        return text;
    }

    private bool TryEvaluate(
        Parameter row, string text, [NotNullWhen(false)] out string? problem, [NotNullWhen(false)] out string? remedy)
    {
        (problem, remedy) = (null, null);
        var value = text;
        if (row.Kind != ParameterKind.Raw && !_expander.TryExpand(text, out value, out var error))
        {
            problem = $"dictionary mail_dict: macro processing error: {error}";
            remedy = "mend the $name expression; a plain $ is written $$";
            return false;
        }

        switch (row.Kind)
        {
            case ParameterKind.Text or ParameterKind.Raw:
                if (value.Length < row.MinimumLength)
                {
                    var comparison = $"{value.Length} < {row.MinimumLength}";
                    problem = row.Kind == ParameterKind.Raw
                        ? $"bad string length ({comparison}): {row.Name} = {value}"
                        : $"bad string length {comparison}: {row.Name} = {value}";
                    remedy = $"remove the entry to get the default, {DefaultText(row)}, or give it a value";
                    return false;
                }

                _evaluated[row.Name] = value;
                return true;

            case ParameterKind.YesNo:
                if (!ParameterText.TryParseBool(value, out var yes))
                {
                    problem = $"bad boolean configuration: {row.Name} = {value}";
                    remedy = "write yes or no";
                    return false;
                }

                _numbers[row.Name] = yes ? 1 : 0;
                return true;

            case ParameterKind.Time:
                return TryEvaluateTime(row, value, out problem, out remedy);

            default:
                var isWholeNumber = row.Kind == ParameterKind.WholeNumber;
                if (!ParameterText.TryParseLong(value, out var number) || (isWholeNumber && number is < int.MinValue or > int.MaxValue))
                {
                    problem = $"bad numerical configuration: {row.Name} = {value}";
                    remedy = $"write a whole number{Bounds(row)}";
                    return false;
                }

                if (OutOfBounds(row, number) is { } bound)
                {
                    problem = $"invalid {row.Name} parameter value {number} {bound}";
                    remedy = $"write a whole number{Bounds(row)}";
                    return false;
                }

                _numbers[row.Name] = number;
                return true;
        }
    }

    private bool TryEvaluateTime(
        Parameter row, string value, [NotNullWhen(false)] out string? problem, [NotNullWhen(false)] out string? remedy)
    {
        (problem, remedy) = (null, null);
        if (!ParameterText.TryParseTime(value, row.Unit ?? 's', out var seconds))
        {
            problem = $"parameter {row.Name}: bad time value or unit: {value}";
            remedy = $"write a whole number and a unit, s, m, h, d or w, as in {DefaultText(row)}";
            return false;
        }

        if (OutOfBounds(row, seconds) is not null)
        {
            problem = seconds < row.Minimum
                ? $"invalid {row.Name}: {seconds} (min {row.Minimum})"
                : $"invalid {row.Name}: {seconds} (max {row.Maximum})";
            remedy = $"write a time{Bounds(row)}, in seconds";
            return false;
        }

        _numbers[row.Name] = seconds;
        return true;
    }

    // A bound of 0 is not checked.
    private static string? OutOfBounds(Parameter row, long number) =>
        row.Minimum != 0 && number < row.Minimum ? $"< {row.Minimum}"
        : row.Maximum != 0 && number > row.Maximum ? $"> {row.Maximum}"
        : null;

    private static string Bounds(Parameter row) => (row.Minimum, row.Maximum) switch
    {
        (0, 0) => "",
        (_, 0) => $" from {row.Minimum}",
        _ => $" from {row.Minimum} to {row.Maximum}",
    };

    private static string DefaultText(Parameter row) => row.DefaultNote ?? row.Default;
}
