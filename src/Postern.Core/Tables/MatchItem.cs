namespace Postern.Core.Tables;

/// <summary>One element of a match list: exactly one of the three is set.</summary>
/// <param name="IsNegated">Whether it stood behind an odd number of <c>!</c>.</param>
/// <param name="File">Its elements stand in place of it.</param>
internal readonly record struct MatchItem(bool IsNegated, MatchPattern? Pattern, ILookupTable? Table, MatchFile? File);
