using System.Globalization;

namespace Postern.Core.Config;

/// <summary>Where an entry was written.</summary>
/// <param name="File">The path as it was opened.</param>
/// <param name="Line">The first physical line of the entry, from 1; 0: the file as a whole.</param>
public readonly record struct ConfigOrigin(string File, int Line)
{
    /// <summary><c>FILE:LINE</c>, or the file alone.</summary>
    public override string ToString() => Line == 0 ? File : string.Create(CultureInfo.InvariantCulture, $"{File}:{Line}");
}
