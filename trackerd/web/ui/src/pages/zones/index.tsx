export const Zones = () => null;
