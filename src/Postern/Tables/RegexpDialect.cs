using Postern.Core;
using Postern.Core.Tables;
using Postern.Native;

namespace Postern.Tables;

/// <summary><c>regexp:</c> — POSIX expressions, by the C library.</summary>
internal sealed unsafe class RegexpDialect : IPatternDialect
{
    private static readonly RegexpDialect Instance = new();

    public string TypeName => "regexp";

    public PatternOptions Defaults => PatternOptions.IgnoreCase | PatternOptions.Extended;

    public bool AllowsSecondPattern => true;

    public string UnclosedRemedy => "skipping this rule";

    public string OutOfRange => "out-of-range";

    /// <summary>Reads a table.</summary>
    public static ILookupTable? Parse(TableSource source, IWarningSink warnings, out string? problem) =>
        PatternTable.Parse(Instance, source, warnings, out problem);

    /// <summary>Lists the rules.</summary>
    public static IEnumerable<TableRule> Rules(TableSource source) => PatternTable.Rules(Instance, source);

    public PatternOptions? Toggle(char flag) => flag switch
    {
        'i' => PatternOptions.IgnoreCase,
        'm' => PatternOptions.MultiLine,
        'x' => PatternOptions.Extended,
        _ => null,
    };

    public IPattern? Compile(string expression, PatternOptions options, out string? problem) =>
        RegexpPattern.Compile(expression, Flags(options), out problem);

    private static int Flags(PatternOptions options) =>
        (options.HasFlag(PatternOptions.IgnoreCase) ? PosixRegex.REG_ICASE : 0)
        | (options.HasFlag(PatternOptions.MultiLine) ? PosixRegex.REG_NEWLINE : 0)
        | (options.HasFlag(PatternOptions.Extended) ? PosixRegex.REG_EXTENDED : 0);
}
