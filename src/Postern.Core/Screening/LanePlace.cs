namespace Postern.Core.Screening;

/// <summary>Where a session is with its slow lane.</summary>
internal enum LanePlace : byte
{
    /// <summary>No lane is for it, or it has left its lane.</summary>
    Outside,

    /// <summary>In the ordinary greet wait, while its class is found out.</summary>
    Approaching,

    /// <summary>In the lane.</summary>
    Inside,

    /// <summary>In the lane, which was short when the client came because of stress.</summary>
    InsideShort,
}
